import { EsteiraError, exampleValues, type ModelStage } from '@esteira/core'

/** What MLflow accepts (`mlflow/utils/validation.py`). A longer value would be cut silently by a server. */
const MAX_KEY_LENGTH = 250
const MAX_PARAM_LENGTH = 6000
const MAX_TAG_LENGTH = 8000
const MAX_ALIAS_LENGTH = 255
const KEY_PATTERN = /^[/\w.\- :\p{L}\p{N}]+$/u

/** Keys of metrics, params and tags: letters, digits, `_ / - . :` and blanks, no path tricks. */
export function checkKeys(kind: 'metric' | 'param' | 'tag', keys: Iterable<string>): void {
  const bad = [...keys].filter((key) => !isKey(key))
  if (bad.length === 0) return
  refuse(
    `MLflow refuses these ${kind} names: ${exampleValues(bad)}`,
    `Names have 1 to ${MAX_KEY_LENGTH} characters: letters, digits, _ - . : / and blanks; no "..", no "//", no "/" at either end.`,
    { keys: bad },
  )
}

function isKey(key: string): boolean {
  if (key.length > MAX_KEY_LENGTH || !KEY_PATTERN.test(key)) return false
  const parts = key.split('/')
  return key === '/' || parts.every((part) => part !== '' && part !== '.' && part !== '..')
}

export function checkParams(params: Readonly<Record<string, string>>): void {
  checkKeys('param', Object.keys(params))
  checkLengths('param', params, MAX_PARAM_LENGTH)
}

export function checkTags(tags: Readonly<Record<string, string>>): void {
  checkKeys('tag', Object.keys(tags))
  checkLengths('tag', tags, MAX_TAG_LENGTH)
}

function checkLengths(kind: string, values: Readonly<Record<string, string>>, limit: number): void {
  const long = Object.entries(values).filter(([, value]) => value.length > limit)
  if (long.length === 0) return
  const shown = long.map(([key, value]) => `${key} (${value.length})`)
  refuse(
    `MLflow keeps at most ${limit} characters of a ${kind}; too long: ${exampleValues(shown)}`,
    'Shorten the value, or log it as an artifact file.',
    { keys: long.map(([key]) => key), limit },
  )
}

export interface TimedMetric {
  readonly key: string
  readonly value: number
  readonly timestampMs: number
  readonly step: number
}

/** A fraction in a step or a time makes a server store zeros without a word, so it is refused here. */
export function checkMetrics(metrics: readonly TimedMetric[]): void {
  checkKeys('metric', new Set(metrics.map((metric) => metric.key)))
  const bad = metrics.filter(
    ({ timestampMs, step }) => !Number.isSafeInteger(step) || !Number.isSafeInteger(timestampMs) || timestampMs < 0,
  )
  if (bad.length === 0) return
  refuse(
    `metrics with a step or time that is no whole number: ${exampleValues(bad.map((metric) => metric.key))}`,
    'Steps are whole numbers; times are at or after 1970-01-01.',
    { keys: bad.map((metric) => metric.key) },
  )
}

export function checkDataset(dataset: {
  readonly name: string
  readonly digest: string
  readonly source: string
}): void {
  const faults = [
    dataset.name.length < 1 || dataset.name.length > 500 ? 'its name has not 1 to 500 characters' : '',
    dataset.digest.length < 1 || dataset.digest.length > 36 ? 'its digest has not 1 to 36 characters' : '',
    dataset.source.length > 65_535 ? 'its source has over 65,535 characters' : '',
  ].filter((fault) => fault !== '')
  if (faults.length > 0) {
    refuse(`MLflow refuses the dataset ${exampleValues([dataset.name])}: ${faults.join('; ')}`, 'Shorten it.', {})
  }
}

/** Name of a registered model (no `/` and `:`), or of a logged model (none of `/ : . % " '`). */
export function checkModelName(kind: 'registered' | 'logged', name: string): void {
  const forbidden = kind === 'registered' ? /[/:]/ : /[/:.%"']/
  if (name.trim() !== '' && name.length <= 256 && !forbidden.test(name)) return
  refuse(
    `MLflow refuses ${exampleValues([name])} as the name of a ${kind} model`,
    `It needs 1 to 256 characters and none of ${kind === 'registered' ? '/ :' : '/ : . % " \''}`,
    { name },
  )
}

/** An alias is a word; `latest` and `v1` are MLflow's own way to name versions. */
export function checkAlias(alias: string): void {
  if (/^[\w-]+$/.test(alias) && alias.length <= MAX_ALIAS_LENGTH && !/^(?:latest|v\d+)$/i.test(alias)) return
  refuse(
    `MLflow refuses the alias ${exampleValues([alias])}`,
    'An alias has letters, digits, _ and -; "latest" and "v1", "v2", … are reserved.',
    { alias },
  )
}

/** MLflow archives the others of a stage only for the two stages that models serve from. */
export function checkArchiving(stage: ModelStage, archiveExisting = false): boolean {
  if (!archiveExisting || stage === 'Staging' || stage === 'Production') return archiveExisting
  return refuse(
    `MLflow does not archive the other versions of the stage ${stage}`,
    'Use archiveExisting with Staging or Production.',
    { stage },
  )
}

function refuse(message: string, hint: string, details: Readonly<Record<string, unknown>>): never {
  throw new EsteiraError('ESTEIRA_MLFLOW', message, { hint, details })
}
