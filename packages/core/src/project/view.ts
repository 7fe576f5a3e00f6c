import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { EsteiraError, nearest } from '../errors.js'
import { type ColumnRule, columnRule } from './column-rule.js'
import { daysSinceLast, type Feature, type FeatureType } from './feature.js'
import { definitionOf, type Source, type SourceDefinition, validName } from './source.js'

export interface ViewOptions<Features extends Record<string, Feature>> {
  readonly from: Source
  readonly features: Features
  readonly description?: string
  readonly owner?: string
  /** The view holds entities with an event in this many days before the feature date. Default 365. */
  readonly activeWithinDays?: number
  /** A zod type per feature, checked before publication: `{ churn_score: z.number().min(0).max(1).nullable() }`. */
  readonly rules?: { readonly [Name in keyof Features]?: z.ZodType }
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
  readonly rules: Readonly<Record<string, ColumnRule>>
  readonly moreRowsThan: number
}

/** Columns every feature table has beside the entity and the features. */
export const FEATURE_TABLE_COLUMNS = ['feature_date', '_feature_version', '_feature_hash', '_created_at'] as const

/**
 * Declares a feature view.
 *
 * @throws EsteiraError ESTEIRA_PROJECT for a name that cannot be a column, or that the table uses itself
 */
export function view<const Features extends Record<string, Feature<FeatureType>>>(
  name: string,
  options: ViewOptions<Features>,
): FeatureView<Features> {
  const from = definitionOf(options.from)
  for (const feature of Object.keys(options.features)) {
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
    features: options.features,
    description: options.description ?? '',
    owner: options.owner ?? '',
    activeWithinDays: options.activeWithinDays ?? 365,
    rules: readRules(name, Object.keys(options.features), options.rules ?? {}),
    moreRowsThan: options.moreRowsThan ?? 1000,
  }
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
  features: readonly string[],
  types: Readonly<Record<string, z.ZodType | undefined>>,
): Record<string, ColumnRule> {
  checkFeatureNames(`views.${view}.rules`, features, Object.keys(types))
  const given = Object.entries(types).filter((entry): entry is [string, z.ZodType] => entry[1] !== undefined)
  return Object.fromEntries(given.map(([feature, type]) => [feature, columnRule(feature, type)]))
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
