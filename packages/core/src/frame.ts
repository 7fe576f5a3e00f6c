/**
 * Columns in memory: typed arrays beside an optional null mask. The one shape in which rows travel between
 * a SQL engine, the models and the statistics; there are no row objects.
 */
export const COLUMN_TYPES = ['boolean', 'int', 'long', 'double', 'string', 'date', 'timestamp'] as const

/** `date` counts days since 1970-01-01, `timestamp` microseconds since 1970-01-01T00:00 (no zone). */
export type ColumnType = (typeof COLUMN_TYPES)[number]

interface ColumnOf<T extends ColumnType, V> {
  readonly type: T
  /** One value a row; the value under a null is unspecified. */
  readonly values: V
  /** 1 where the row is null; absent when no row is. */
  readonly nulls?: Uint8Array
}

export type Column =
  | ColumnOf<'boolean', Uint8Array>
  | ColumnOf<'int', Int32Array>
  | ColumnOf<'long', BigInt64Array>
  | ColumnOf<'double', Float64Array>
  | ColumnOf<'string', readonly string[]>
  | ColumnOf<'date', Int32Array>
  | ColumnOf<'timestamp', BigInt64Array>

/** Named columns of equal length. */
export interface Frame {
  readonly rowCount: number
  readonly columns: ReadonlyMap<string, Column>
}

/** The column of that name. @throws RangeError naming the columns there are. */
export function columnOf(frame: Frame, name: string): Column {
  const column = frame.columns.get(name)
  if (column === undefined) {
    throw new RangeError(`no column "${name}"; there are ${[...frame.columns.keys()].join(', ')}`)
  }
  return column
}

/** Whether row `row` of the column is null. */
export function isNull(column: Column, row: number): boolean {
  return column.nulls !== undefined && column.nulls[row] === 1
}

/** Days since 1970-01-01 as `YYYY-MM-DD`. */
export function formatDay(days: number): string {
  return new Date(days * 86_400_000).toISOString().slice(0, 10)
}

/** One value as people and JSON read it: numbers, strings, `YYYY-MM-DD`, `YYYY-MM-DD hh:mm:ss[.ffffff]`, or null. */
export function valueAt(column: Column, row: number): string | number | boolean | null {
  if (isNull(column, row)) return null
  switch (column.type) {
    case 'boolean':
      return column.values[row] === 1
    case 'int':
    case 'double':
      return column.values[row] ?? null
    case 'long':
      return toNumberOrText(column.values[row] ?? 0n)
    case 'string':
      return column.values[row] ?? null
    case 'date':
      return formatDay(column.values[row] ?? 0)
    case 'timestamp':
      return formatTimestamp(column.values[row] ?? 0n)
  }
}

/** Microseconds since 1970-01-01T00:00 as `YYYY-MM-DD hh:mm:ss`, with the fraction only when there is one. */
export function formatTimestamp(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = (micros - fraction) / 1_000_000n
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return fraction === 0n ? text : `${text}.${fraction.toString().padStart(6, '0')}`
}

function toNumberOrText(value: bigint): number | string {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value.toString()
}

/** Row objects, for people and JSON only: small results. */
export function toRows(frame: Frame): Record<string, string | number | boolean | null>[] {
  const names = [...frame.columns.keys()]
  return Array.from({ length: frame.rowCount }, (_, row) =>
    Object.fromEntries(names.map((name) => [name, valueAt(columnOf(frame, name), row)])),
  )
}

/**
 * A numeric column as doubles, null as NaN; booleans are 0 and 1, dates days, timestamps seconds.
 * @throws TypeError for a column of strings.
 */
export function toFloat64(column: Column): Float64Array {
  if (column.type === 'string') throw new TypeError('a column of strings has no numbers')
  if (column.type === 'double' && column.nulls === undefined) return column.values
  const out = new Float64Array(column.values.length)
  if (column.type === 'long' || column.type === 'timestamp') {
    const divisor = column.type === 'timestamp' ? 1e6 : 1
    for (let row = 0; row < out.length; row++) out[row] = Number(column.values[row]) / divisor
  } else {
    out.set(column.values)
  }
  const { nulls } = column
  if (nulls !== undefined) for (let row = 0; row < out.length; row++) if (nulls[row] === 1) out[row] = Number.NaN
  return out
}

/** A column as text, null as null; values as {@link valueAt} gives them. */
export function toStrings(column: Column): (string | null)[] {
  return Array.from({ length: column.values.length }, (_, row) => {
    const value = valueAt(column, row)
    return value === null ? null : String(value)
  })
}

/** The rows at `indices`, in that order. */
export function takeRows(frame: Frame, indices: ArrayLike<number>): Frame {
  const columns = new Map<string, Column>()
  for (const [name, column] of frame.columns) columns.set(name, takeColumn(column, indices))
  return { rowCount: indices.length, columns }
}

function takeColumn(column: Column, indices: ArrayLike<number>): Column {
  const nulls = column.nulls === undefined ? undefined : gather(column.nulls, indices, Uint8Array)
  const withNulls = nulls === undefined ? {} : { nulls }
  switch (column.type) {
    case 'boolean':
      return { type: column.type, values: gather(column.values, indices, Uint8Array), ...withNulls }
    case 'int':
    case 'date':
      return { type: column.type, values: gather(column.values, indices, Int32Array), ...withNulls }
    case 'double':
      return { type: column.type, values: gather(column.values, indices, Float64Array), ...withNulls }
    case 'long':
    case 'timestamp': {
      const values = new BigInt64Array(indices.length)
      for (let i = 0; i < indices.length; i++) values[i] = column.values[indices[i] ?? 0] ?? 0n
      return { type: column.type, values, ...withNulls }
    }
    case 'string':
      return {
        type: 'string',
        values: Array.from({ length: indices.length }, (_, i) => column.values[indices[i] ?? 0] ?? ''),
        ...withNulls,
      }
  }
}

function gather<T extends Uint8Array | Int32Array | Float64Array>(
  values: T,
  indices: ArrayLike<number>,
  kind: new (length: number) => T,
): T {
  const out = new kind(indices.length)
  for (let i = 0; i < indices.length; i++) out[i] = values[indices[i] ?? 0] ?? 0
  return out
}
