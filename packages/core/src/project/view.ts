import { createHash } from 'node:crypto'
import { EsteiraError } from '../errors.js'
import type { Feature, FeatureType } from './feature.js'
import { definitionOf, type Source, type SourceDefinition, validName } from './source.js'

/** One rule that staged features must keep before they are published. */
export type ColumnRule = {
  /** Largest share of nulls, 0 to 1. */
  readonly maxNullShare?: number
  readonly min?: number
  readonly max?: number
  readonly allowed?: readonly (string | number)[]
}

export interface ViewOptions<Features extends Record<string, Feature>> {
  readonly from: Source
  readonly features: Features
  readonly description?: string
  readonly owner?: string
  /** The view holds entities with an event in this many days before the feature date. Default 365. */
  readonly activeWithinDays?: number
  /** Rules per feature, checked before publication. */
  readonly rules?: { readonly [Name in keyof Features]?: ColumnRule }
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
  readonly rules: { readonly [Name in keyof Features]?: ColumnRule }
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
    rules: options.rules ?? {},
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
