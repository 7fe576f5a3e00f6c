import { COLUMN_TYPES, EsteiraError } from '@esteira/core'
import {
  type CategoricalProfile,
  type ColumnProfile,
  type NumericSummary,
  REFERENCE_PROFILE_FORMAT,
  type ReferenceProfile,
} from './reference-profile.js'

/**
 * Reads the text of a `reference_profile.json`, checking every field that a comparison uses.
 *
 * @throws EsteiraError ESTEIRA_MODEL_CORRUPT naming the first wrong field
 */
export function parseReferenceProfile(json: string): ReferenceProfile {
  let document: unknown
  try {
    document = JSON.parse(json)
  } catch (cause) {
    throw corrupt('the document', 'JSON text', json.slice(0, 40), cause)
  }
  const profile = new Fields('profile', document)
  const format = profile.text('format')
  if (format !== REFERENCE_PROFILE_FORMAT) throw corrupt('profile.format', REFERENCE_PROFILE_FORMAT, format)
  return {
    format: REFERENCE_PROFILE_FORMAT,
    rows: profile.count('rows'),
    columns: profile.items('columns').map(parseColumn),
    probability: profile.optional('probability', parseNumeric),
    prediction: profile.optional('prediction', (fields) => ({
      threshold: fields.number('threshold'),
      rows: fields.count('rows'),
      positives: fields.count('positives'),
    })),
    labels: profile.optional('labels', (fields) => ({
      rows: fields.count('rows'),
      positives: fields.count('positives'),
    })),
  }
}

function parseColumn(fields: Fields): ColumnProfile {
  const named = { name: fields.text('name'), type: fields.oneOf('type', COLUMN_TYPES) }
  switch (fields.oneOf('kind', ['numeric', 'categorical', 'excluded'] as const)) {
    case 'numeric':
      return { ...named, kind: 'numeric', ...parseNumeric(fields) }
    case 'categorical':
      return { ...named, kind: 'categorical', ...parseCategorical(fields) }
    case 'excluded':
      return {
        ...named,
        kind: 'excluded',
        rows: fields.count('rows'),
        nulls: fields.count('nulls'),
        reason: fields.text('reason'),
      }
  }
}

function parseNumeric(fields: Fields): NumericSummary {
  const cutPoints = fields.numbers('cutPoints')
  return {
    rows: fields.count('rows'),
    nulls: fields.count('nulls'),
    invalid: fields.count('invalid'),
    distinct: fields.count('distinct'),
    min: fields.number('min'),
    max: fields.number('max'),
    mean: fields.number('mean'),
    std: fields.number('std'),
    cutPoints,
    bucketCounts: fields.numbers('bucketCounts', cutPoints.length + 1),
    distribution: fields.object('distribution', (steps) => {
      const values = steps.numbers('values')
      return { exact: steps.flag('exact'), values, counts: steps.numbers('counts', values.length) }
    }),
    histogram: fields.optional('histogram', (bars) => {
      const edges = bars.numbers('edges')
      const counts = bars.numbers('counts', edges.length - 1)
      return { edges, counts, below: bars.count('below'), above: bars.count('above') }
    }),
  }
}

function parseCategorical(fields: Fields): Omit<CategoricalProfile, 'name' | 'type' | 'kind'> {
  return {
    rows: fields.count('rows'),
    nulls: fields.count('nulls'),
    distinct: fields.count('distinct'),
    levels: fields.items('levels').map((level) => ({ level: level.text('level'), count: level.count('count') })),
    otherCount: fields.count('otherCount'),
  }
}

/** An object of the document whose fields are read by name and expectation. */
class Fields {
  readonly #path: string
  readonly #record: Readonly<Record<string, unknown>>

  constructor(path: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(path, 'an object', value)
    this.#path = path
    this.#record = value as Record<string, unknown>
  }

  #read<T>(name: string, expected: string, is: (value: unknown) => value is T): T {
    const value = this.#record[name]
    if (!is(value)) throw corrupt(`${this.#path}.${name}`, expected, value)
    return value
  }

  text(name: string): string {
    return this.#read(name, 'text', (value) => typeof value === 'string')
  }

  flag(name: string): boolean {
    return this.#read(name, 'true or false', (value) => typeof value === 'boolean')
  }

  number(name: string): number {
    return this.#read(name, 'a finite number', isFiniteNumber)
  }

  count(name: string): number {
    return this.#read(name, 'a whole number of at least 0', isCount)
  }

  numbers(name: string, length?: number): readonly number[] {
    const values = this.#read(name, 'a list of finite numbers', isNumberList)
    if (length === undefined || values.length === length) return values
    throw corrupt(`${this.#path}.${name}`, `${length} numbers`, `${values.length} numbers`)
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    return this.#read(name, `one of ${allowed.join(', ')}`, (value): value is T => allowed.some((one) => one === value))
  }

  object<T>(name: string, parse: (fields: Fields) => T): T {
    return parse(new Fields(`${this.#path}.${name}`, this.#record[name]))
  }

  optional<T>(name: string, parse: (fields: Fields) => T): T | null {
    return this.#record[name] === null ? null : this.object(name, parse)
  }

  items(name: string): Fields[] {
    const list = this.#read(name, 'a list', (value): value is unknown[] => Array.isArray(value))
    return list.map((item, index) => new Fields(`${this.#path}.${name}[${index}]`, item))
  }
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isCount(value: unknown): value is number {
  return isFiniteNumber(value) && Number.isInteger(value) && value >= 0
}

function isNumberList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isFiniteNumber)
}

function corrupt(where: string, expected: string, found: unknown, cause?: unknown): EsteiraError {
  const shown = (JSON.stringify(found) ?? 'nothing').slice(0, 40)
  return new EsteiraError('ESTEIRA_MODEL_CORRUPT', `reference profile: ${where} is ${shown}, expected ${expected}`, {
    hint: 'The model version holds a damaged or newer reference_profile.json. Train and register the model again.',
    ...(cause === undefined ? {} : { cause }),
  })
}
