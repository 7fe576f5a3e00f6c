import type { NewLoggedModel, RunMetric } from '@esteira/core'
import { checkKeys, checkModelName, checkParams, checkTags, type TimedMetric } from './limits.js'

/** Tags that MLflow's own client puts on a logged model as well as on its run. */
const INHERITED_TAGS = ['mlflow.user', 'mlflow.source.name', 'mlflow.source.type', 'mlflow.source.git.commit']

export interface LoggedModelFields {
  readonly params: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

/** Params and tags of a logged model: those of its run, as Python's `log_model` does, and the model's own on top. */
export function loggedModelFields(
  model: NewLoggedModel,
  run: { readonly params: Readonly<Record<string, string>>; readonly tags: Readonly<Record<string, string>> },
): LoggedModelFields {
  checkModelName('logged', model.name)
  const inherited = Object.entries(run.tags).filter(([key]) => INHERITED_TAGS.includes(key))
  const fields = {
    params: { ...run.params, ...model.params },
    tags: { ...Object.fromEntries(inherited), ...model.tags },
  }
  checkParams(fields.params)
  checkTags(fields.tags)
  checkKeys(
    'metric',
    (model.metrics ?? []).map((metric) => metric.key),
  )
  return fields
}

/**
 * Gives each metric its time. A metric without one that the run already has, with the same value at the same step,
 * takes the run's time, so that the run's history does not get it twice.
 */
export function timeMetrics(
  metrics: readonly RunMetric[],
  nowMs: number,
  known: readonly TimedMetric[] = [],
): TimedMetric[] {
  return metrics.map((metric) => {
    const step = metric.step ?? 0
    const same = known.find((old) => old.key === metric.key && old.step === step && Object.is(old.value, metric.value))
    const timestampMs = metric.timestamp?.getTime() ?? same?.timestampMs ?? nowMs
    return { key: metric.key, value: metric.value, step, timestampMs }
  })
}
