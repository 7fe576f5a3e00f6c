import { quoteName, quoteText } from '@esteira/core'

/** A DuckDB type, or the structure of a nested one as its JSON functions write it. */
export type RowType = string | readonly [RowType] | { readonly [field: string]: RowType }

/** Values as JSON has them; 64-bit numbers are text. */
export type RowValue =
  | string
  | number
  | boolean
  | null
  | readonly RowValue[]
  | { readonly [field: string]: RowValue | undefined }

/** A small table in memory. */
export interface SmallTable {
  readonly columns: Readonly<Record<string, RowType>>
  readonly rows: readonly Readonly<Record<string, RowValue>>[]
}

/**
 * SQL text that stands for the rows in a FROM clause of DuckDB: one text of JSON, which is read faster than VALUES.
 * Bytes of a column of type BLOB are given as hexadecimal text.
 */
export function rowsAsSql({ columns, rows }: SmallTable): string {
  const bytes = Object.keys(columns).filter((name) => columns[name] === 'BLOB')
  const texts = Object.fromEntries(bytes.map((name) => [name, 'VARCHAR']))
  const structure = quoteText(JSON.stringify([{ ...columns, ...texts }]))
  const list = bytes.map((name) => `unhex(r.${quoteName(name)}) AS ${quoteName(name)}`)
  const all = list.length === 0 ? 'r.*' : `r.* REPLACE (${list.join(', ')})`
  return `(SELECT ${all} FROM (SELECT unnest(from_json_strict(${quoteText(JSON.stringify(rows))}, ${structure})) AS r))`
}
