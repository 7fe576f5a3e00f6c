import { EsteiraError, nearest } from '../errors.js'
import { wholeDays } from './whole-days.js'

/** Types a source column may have; `?` allows empty values. */
export type SourceType =
  | 'string'
  | 'int'
  | 'long'
  | 'double'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | `decimal(${number},${number})`

/** `'decimal(18,4)'`, `'string?'`, or with the format of a date: `{ type: 'date', format: '%Y%m%d' }` (strptime). */
export type SourceColumnDefinition =
  | SourceType
  | `${SourceType}?`
  | { readonly type: SourceType | `${SourceType}?`; readonly format: string }

/** The key of a source without one: the number of the data line in its file, from 1. The file a run is given is then the whole
 * source: lines of files that came before are dropped as `superseded`. */
export const LINE_NUMBER = '_line'

export const SOURCE_FORMATS = ['csv', 'whitespace', 'parquet'] as const
export type SourceFormat = (typeof SOURCE_FORMATS)[number]

export interface Entity<Name extends string = string> {
  readonly column: Name
  readonly type: 'string' | 'long'
}

/** What features and predictions are about: the column that names a customer. */
export function entity<const Name extends string>(column: Name, type: 'string' | 'long' = 'string'): Entity<Name> {
  return { column, type }
}

export interface SourceOptions<Columns extends Record<string, SourceColumnDefinition>> {
  readonly format: SourceFormat
  /** The raw file, relative to the project's folder. `--source` or `ESTEIRA_SOURCE` takes its place. */
  readonly path: string
  readonly entity: Entity<keyof Columns & string>
  /** Column that identifies a row; the last row ingested wins. `LINE_NUMBER` when every line is a row of its own. */
  readonly key: (keyof Columns & string) | typeof LINE_NUMBER
  /** When the event happened: a `date` or `timestamp` column. */
  readonly time: keyof Columns & string
  /**
   * IANA zone of the source's wall clock, default UTC. A time with an offset or `Z` is converted to it;
   * one without is taken as it stands.
   */
  readonly timezone?: string
  /** Column whose negative values are refunds: kept in silver, no transaction in features. */
  readonly amount?: keyof Columns & string
  /** Columns of free spelling: trimmed, lower case, spaces to `_`, accents removed. */
  readonly standardize?: readonly (keyof Columns & string)[]
  /** Readiness refuses a source whose newest row is more days older than the run date than this. Default 35. */
  readonly freshWithinDays?: number
  readonly columns: Columns
}

export interface SourceColumn {
  readonly name: string
  readonly type: SourceType
  readonly optional: boolean
  readonly format?: string
}

/** A source as the pipelines read it. */
export interface SourceDefinition {
  readonly name: string
  readonly format: SourceFormat
  readonly path: string
  readonly entity: Entity
  readonly key: string
  readonly time: string
  readonly timezone: string
  readonly amount?: string
  readonly standardize: readonly string[]
  readonly freshWithinDays: number
  readonly columns: readonly SourceColumn[]
}

/** A column of a source, the start of a feature: `transactions.amount`. */
export interface SourceColumnRef<Type extends SourceType = SourceType> {
  readonly source: SourceDefinition
  readonly column: string
  readonly type: Type
}

const definition: unique symbol = Symbol('source definition')

type TypeOf<D> = D extends { readonly type: infer T }
  ? TypeOf<T>
  : D extends `${infer T extends SourceType}?`
    ? T
    : D extends SourceType
      ? D
      : never

/** The columns of a source by name, ready to be used in features. */
export type Source<Columns extends Record<string, SourceColumnDefinition> = Record<string, SourceColumnDefinition>> = {
  readonly [Name in keyof Columns]: SourceColumnRef<TypeOf<Columns[Name]>>
} & { readonly [definition]: SourceDefinition }

/** The definition behind a source's columns. */
export function definitionOf(source: { readonly [definition]: SourceDefinition }): SourceDefinition {
  return source[definition]
}

/**
 * Declares raw rows: their format, columns and types (nothing is guessed), key and time.
 *
 * @throws EsteiraError ESTEIRA_PROJECT when key, time, entity or amount name no column
 * @example
 * const orders = source('orders', {
 *   format: 'csv', path: 'data/orders.csv', entity: entity('customer_id'), key: 'order_id', time: 'ordered_at',
 *   columns: { order_id: 'string', customer_id: 'string', ordered_at: 'timestamp', amount: 'decimal(18,4)' },
 * })
 */
export function source<const Columns extends Record<string, SourceColumnDefinition>>(
  name: string,
  options: SourceOptions<Columns>,
): Source<Columns> {
  const columns = Object.entries<SourceColumnDefinition>(options.columns).map(([column, type]) =>
    parseColumn(name, column, type),
  )
  const names = columns.map((column) => column.name)
  checkColumns(name, names, [options.entity.column, options.time, options.amount, ...(options.standardize ?? [])])
  if (options.key !== LINE_NUMBER) checkColumns(name, names, [options.key])
  checkTaken(name, names)
  const built: SourceDefinition = {
    name: validName('source', name),
    format: options.format,
    path: options.path,
    entity: options.entity,
    key: options.key,
    time: options.time,
    timezone: options.timezone ?? 'UTC',
    ...(options.amount === undefined ? {} : { amount: options.amount }),
    standardize: options.standardize ?? [],
    freshWithinDays: wholeDays(`sources.${name}.freshWithinDays`, options.freshWithinDays ?? 35, 0),
    columns,
  }
  checkTime(built)
  const refs = columns.map(({ name: column, type }) => [column, { source: built, column, type }])
  return guarded(name, Object.assign(Object.fromEntries(refs), { [definition]: built }) as Source<Columns>)
}

/** Project files are run without a check of their types: a misspelt column must not become undefined. */
function guarded<S extends object>(name: string, columns: S): S {
  return new Proxy(columns, {
    get(target, property, receiver) {
      // Promises, JSON, inspection and test tools ask any object for what it may have.
      if (typeof property === 'symbol' || property in target || ASKED_OF_ANYTHING.has(property)) {
        return Reflect.get(target, property, receiver)
      }
      checkColumns(name, Object.keys(target), [property])
      return undefined
    },
  })
}

const ASKED_OF_ANYTHING: ReadonlySet<string> = new Set(['then', 'toJSON', 'asymmetricMatch', 'nodeType', '$$typeof'])

const TYPE_PATTERN = /^(string|int|long|double|boolean|date|timestamp|decimal\((\d+),(\d+)\))(\?)?$/

function parseColumn(source: string, name: string, column: SourceColumnDefinition): SourceColumn {
  const text = typeof column === 'string' ? column : column.type
  if (!TYPE_PATTERN.test(text)) {
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `sources.${source}.columns.${name}: unknown type ${JSON.stringify(text)}`,
      {
        hint: 'Types are string, int, long, double, boolean, date, timestamp, decimal(p,s); a ? after the type allows empty values.',
      },
    )
  }
  const optional = text.endsWith('?')
  const type = (optional ? text.slice(0, -1) : text) as SourceType
  return {
    name: validName('column', name),
    type,
    optional,
    ...(typeof column === 'string' ? {} : { format: column.format }),
  }
}

function checkColumns(source: string, names: readonly string[], wanted: readonly (string | undefined)[]): void {
  for (const name of wanted) {
    if (name === undefined || names.includes(name)) continue
    const near = nearest(name, names)
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `sources.${source}: "${name}" is no column; there are ${names.join(', ')}`,
      {
        ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
      },
    )
  }
}

/** Columns that bronze and silver add to those of the source. */
const ADDED_COLUMNS = [
  'local_ts',
  'is_refund',
  '_reason',
  LINE_NUMBER,
  '_event_date',
  '_file',
  '_content_hash',
  '_ingested_at',
]

function checkTaken(source: string, names: readonly string[]): void {
  const taken = names.find((name) => ADDED_COLUMNS.includes(name))
  if (taken === undefined) return
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `sources.${source}.columns.${taken}: the tables of the source add a column of this name`,
    {
      hint: 'Rename the column in the file; undeclared columns may have any name.',
    },
  )
}

function checkTime(source: SourceDefinition): void {
  const type = source.columns.find((column) => column.name === source.time)?.type
  if (type !== 'date' && type !== 'timestamp') {
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `sources.${source.name}.time: expected a date or timestamp column, "${source.time}" is ${type}`,
    )
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: source.timezone })
  } catch (cause) {
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `sources.${source.name}.timezone: ${JSON.stringify(source.timezone)} is no IANA time zone`,
      {
        hint: 'Write a name such as "America/Sao_Paulo" or "UTC".',
        cause,
      },
    )
  }
}

/** Names become tables and columns on every engine: lower case, digits, `_`. @throws EsteiraError ESTEIRA_PROJECT */
export function validName(what: string, name: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(name)) return name
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `${what} name ${JSON.stringify(name)}: expected lower-case letters, digits and _, at most 63`,
    {
      details: { name },
    },
  )
}
