import { type Feature, type FeatureView, visitExpression } from '@esteira/core'

/** What is different between two definitions of a view. Empty lists: the features are the same. */
export interface FeatureDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly ChangedFeature[]
  /** Other parts of the definition that decide values: the population, the source. Those before and after, as JSON. */
  readonly definition: readonly ChangedPart[]
  /** Parts that decide no value: owner, description, time to live, rules. */
  readonly about: readonly ChangedPart[]
}

export interface ChangedFeature {
  readonly feature: string
  /** One line each, such as `window: 30 days → 60 days`. */
  readonly how: readonly string[]
}

export interface ChangedPart {
  readonly part: string
  readonly before: unknown
  readonly after: unknown
}

/** Compares two definitions of a view. */
export function diffViews(before: FeatureView, after: FeatureView): FeatureDiff {
  const names = (view: FeatureView) => Object.keys(view.features)
  const both = names(after).filter((name) => name in before.features)
  return {
    added: names(after).filter((name) => !(name in before.features)),
    removed: names(before).filter((name) => !(name in after.features)),
    changed: both.flatMap((feature) => {
      const how = describeChange(before.features[feature], after.features[feature])
      return how.length === 0 ? [] : [{ feature, how }]
    }),
    definition: [
      ...changedParts('source', decidingParts(before), decidingParts(after)),
      ...changedParts('', { activeWithinDays: before.activeWithinDays }, { activeWithinDays: after.activeWithinDays }),
    ],
    about: changedParts('', aboutParts(before), aboutParts(after)),
  }
}

function decidingParts({ from }: FeatureView): Record<string, unknown> {
  const { name, entity, key, time, timezone, amount, standardize, columns } = from
  return { name, entity, key, time, timezone, amount, standardize, columns }
}

function aboutParts({ owner, description, ttlDays, rules, moreRowsThan }: FeatureView): Record<string, unknown> {
  return { owner, description, ttlDays, rules, moreRowsThan }
}

function changedParts(of: string, before: Record<string, unknown>, after: Record<string, unknown>): ChangedPart[] {
  return Object.keys(after).flatMap((key) => {
    const part = of === '' ? key : `${of}.${key}`
    const [from, to] = [before[key] ?? null, after[key] ?? null]
    return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ part, before: from, after: to }]
  })
}

function describeChange(before: Feature | undefined, after: Feature | undefined): string[] {
  if (before === undefined || after === undefined || JSON.stringify(before) === JSON.stringify(after)) return []
  const [from, to] = [traitsOf(before), traitsOf(after)]
  const how = Object.keys(to).flatMap((trait) =>
    from[trait] === to[trait] ? [] : [`${trait}: ${from[trait] || 'none'} → ${to[trait] || 'none'}`],
  )
  return how.length === 0 ? ['expression: changed'] : how
}

/** What people say of a feature: enough to see what changed, not enough to compute it. */
function traitsOf(feature: Feature): Record<string, string> {
  const windows = new Set<number>()
  const columns = new Set<string>()
  const functions = new Set<string>()
  const features = new Set<string>()
  if (feature.kind === 'mostFrequent') {
    windows.add(feature.withinDays)
    functions.add('most frequent')
  }
  visitExpression(feature.kind === 'mostFrequent' ? feature.of : feature.value, (node) => {
    if (node.kind === 'aggregate') functions.add(node.name)
    if (node.kind === 'column' && node.table === 'source') columns.add(node.name)
    if (node.kind === 'column' && node.table === 'feature') features.add(node.name)
    if (node.kind === 'between' && node.high.kind === 'literal') windows.add(Number(node.high.value))
  })
  const list = (values: ReadonlySet<string>) => [...values].sort().join(', ')
  const days = [...windows].sort((a, b) => a - b)
  return {
    type: feature.type,
    window: days.length === 0 ? '' : `${days.join(', ')} days`,
    columns: list(columns),
    aggregates: list(functions),
    features: list(features),
  }
}
