import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { EsteiraError, nearest } from '../errors.js'
import { type ColumnRule, columnRule } from './column-rule.js'
import { daysSinceLast, type Feature, type FeatureType } from './feature.js'
import { withoutOverwritten } from './feature-group.js'
import { readTableRules, type WriteTableRules } from './read-table-rules.js'
import { unknownOption } from './rule-options.js'
import { definitionOf, type Source, type SourceDefinition, validName } from './source.js'
import type { TableRule } from './table-rule.js'
import { wholeDays } from './whole-days.js'

export interface ViewOptions<Features extends Record<string, Feature>> {
  readonly from: Source
  readonly features: Features
  readonly description?: string
  readonly owner?: string
  /** The view holds entities with an event in this many days before the feature date. Default 365. */
  readonly activeWithinDays?: number
  /** Joined to a later day, a row older than this many days counts for nothing. Default: a row never grows too old. */
  readonly ttlDays?: number
  /** A zod type per feature, checked before publication: `{ churn_score: z.number().min(0).max(1).nullable() }`. */
  readonly rules?: { readonly [Name in keyof Features]?: z.ZodType }
  /** Rules about whole rows and the batch: `(row) => [tableRule.rowCount(), …]`. See {@link tableRule}. */
  readonly tableRules?: WriteTableRules<keyof Features & string>
  /** A date with this many rows or fewer is refused. Default 1,000. */
  readonly moreRowsThan?: number
}

/** Named features of one entity at a date. Data: hashed, compared and compiled to SQL. */
export interface FeatureView<Features extends Record<string, Feature> = Record<string, Feature>> {
  readonly name: string
  readonly from: SourceDefinition
  readonly features: Features
  readonly description: string
  readonly owner: string
  readonly activeWithinDays: number
  readonly ttlDays?: number
  readonly rules: Readonly<Record<string, ColumnRule>>
  readonly tableRules: readonly TableRule[]
  readonly moreRowsThan: number
}

/** Columns every feature table has beside the entity and the features. */
export const FEATURE_TABLE_COLUMNS = ['feature_date', '_feature_version', '_feature_hash', '_created_at'] as const

/** Every option, so that a misspelt one is refused when the project is loaded. */
const VIEW_OPTIONS: Readonly<Record<keyof ViewOptions<Record<string, Feature>>, true>> = {
  from: true,
  features: true,
  description: true,
  owner: true,
  activeWithinDays: true,
  ttlDays: true,
  rules: true,
  tableRules: true,
  moreRowsThan: true,
}

/**
 * Declares a feature view.
 *
 * @throws EsteiraError ESTEIRA_PROJECT for a name that cannot be a column, or that the table uses itself
 */
export function view<const Features extends Record<string, Feature<FeatureType>>>(
  name: string,
  options: ViewOptions<Features>,
): FeatureView<Features> {
  const misspelt = Object.keys(options).find((key) => !(key in VIEW_OPTIONS))
  if (misspelt !== undefined) throw unknownOption(`views.${name}`, misspelt, Object.keys(VIEW_OPTIONS))
  const from = definitionOf(options.from)
  const defined = withoutOverwritten(`views.${name}.features`, options.features)
  const features = Object.keys(defined)
  for (const [feature, value] of Object.entries(defined)) {
    checkIsFeature(`views.${name}.features.${feature}`, value)
    validName('feature', feature)
    if (feature === from.entity.column || FEATURE_TABLE_COLUMNS.some((taken) => taken === feature)) {
      throw new EsteiraError(
        'ESTEIRA_PROJECT',
        `views.${name}.features.${feature}: the name is taken by the feature table itself`,
      )
    }
  }
  return {
    name: validName('view', name),
    from,
    features: defined,
    description: options.description ?? '',
    owner: options.owner ?? '',
    activeWithinDays: wholeDays(`views.${name}.activeWithinDays`, options.activeWithinDays ?? 365),
    ...(options.ttlDays !== undefined && { ttlDays: wholeDays(`views.${name}.ttlDays`, options.ttlDays, 0) }),
    rules: readRules(name, defined, options.rules ?? {}),
    tableRules: readTableRules({ name, entity: from.entity.column, features }, options.tableRules),
    moreRowsThan: wholeDays(`views.${name}.moreRowsThan`, options.moreRowsThan ?? 1000, 0),
  }
}

function checkIsFeature(where: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && 'kind' in value && 'type' in value) return
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `${where}: expected a feature, found ${value === undefined ? 'undefined' : typeof value}`,
    { hint: 'Make it with a function such as count, sum or mode: total_30d: count(orders, { days: 30 }).' },
  )
}

/**
 * Identity of a view's definition: sha256 over what decides its values (source columns, entity, population, features), never
 * over a time, a description or a check.
 */
export function featureHash(of: FeatureView): string {
  const { name, entity, key, time, timezone, amount, standardize, columns } = of.from
  const decides = {
    source: { name, entity, key, time, timezone, amount: amount ?? null, standardize, columns },
    activeWithinDays: of.activeWithinDays,
    features: of.features,
  }
  return createHash('sha256').update(JSON.stringify(decides)).digest('hex')
}

function readRules(
  view: string,
  features: Readonly<Record<string, Feature>>,
  types: Readonly<Record<string, z.ZodType | undefined>>,
): Record<string, ColumnRule> {
  checkFeatureNames(`views.${view}.rules`, Object.keys(features), Object.keys(types))
  const given = Object.entries(types).filter((entry): entry is [string, z.ZodType] => entry[1] !== undefined)
  return Object.fromEntries(
    given.map(([feature, type]) => [feature, columnRule(feature, type, features[feature]?.type)]),
  )
}

/** @throws EsteiraError ESTEIRA_PROJECT for a name that is no feature: project files are run without a check of their types */
export function checkFeatureNames(where: string, features: readonly string[], names: readonly string[]): void {
  const unknown = names.find((name) => !features.includes(name))
  if (unknown === undefined) return
  const near = nearest(unknown, features)
  throw new EsteiraError('ESTEIRA_PROJECT', `${where}: "${unknown}" is no feature of the view`, {
    hint: near === undefined ? `The features: ${features.join(', ')}.` : `Did you mean "${near}"?`,
  })
}

/** The view's feature that is the days since the last event, if it has one: the recency baseline knows only it. */
export function recencyFeature(of: FeatureView): string | undefined {
  const wanted = JSON.stringify(daysSinceLast({}))
  return Object.keys(of.features).find((name) => JSON.stringify(of.features[name]) === wanted)
}
