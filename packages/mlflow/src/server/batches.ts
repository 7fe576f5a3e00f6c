import type { TimedMetric } from '../limits.js'

/** MLflow's limits of one `runs/log-batch`. */
const MAX_ITEMS = 1000
const MAX_PARAMS = 100
const MAX_TAGS = 100

export interface KeyValue {
  readonly key: string
  readonly value: string
}

export interface Batch {
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
  readonly metrics: readonly TimedMetric[]
}

/** Splits a batch of any size: 100 params and 100 tags at a time, filled up with metrics to 1000 items. */
export function* splitBatch(batch: Batch): Generator<Batch> {
  let [param, tag, metric] = [0, 0, 0]
  while (param < batch.params.length || tag < batch.tags.length || metric < batch.metrics.length) {
    const params = batch.params.slice(param, param + MAX_PARAMS)
    const tags = batch.tags.slice(tag, tag + MAX_TAGS)
    const metrics = batch.metrics.slice(metric, metric + MAX_ITEMS - params.length - tags.length)
    yield { params, tags, metrics }
    param += params.length
    tag += tags.length
    metric += metrics.length
  }
}

export function toKeyValues(record: Readonly<Record<string, string>>): KeyValue[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }))
}

/** JSON has no NaN and no infinities; MLflow takes them as words. */
export function toJsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}
