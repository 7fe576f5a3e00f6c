import type { DuckDBValue } from '@duckdb/node-api'

/**
 * A value that has no column type of its own as text: nested values as JSON (blanks after `,` and `:`), bytes as lower-case
 * hexadecimal digits, all others as DuckDB writes them. Casting the text back gives the value again.
 */
export function textOf(value: DuckDBValue): string {
  if (typeof value === 'string') return value
  return hasItems(value) || hasEntries(value) ? jsonOf(value) : bytesText(value)
}

function bytesText(value: DuckDBValue): string {
  return hasBytes(value) ? Buffer.from(value.bytes).toString('hex') : String(value)
}

function jsonOf(value: DuckDBValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : JSON.stringify(String(value))
  if (hasItems(value)) return `[${value.items.map(jsonOf).join(', ')}]`
  if (hasEntries(value)) {
    // Of a map the entries are a list; keys that are no text become their text, as JSON wants it.
    const pairs = Array.isArray(value.entries)
      ? value.entries.map(({ key, value: item }) => [textOf(key), item] as const)
      : Object.entries(value.entries)
    return `{${pairs.map(([key, item]) => `${JSON.stringify(key)}: ${jsonOf(item)}`).join(', ')}}`
  }
  return isDecimal(value) ? String(value) : JSON.stringify(textOf(value))
}

interface Items {
  readonly items: readonly DuckDBValue[]
}

interface Entries {
  readonly entries:
    | readonly { readonly key: DuckDBValue; readonly value: DuckDBValue }[]
    | Readonly<Record<string, DuckDBValue>>
}

function hasItems(value: DuckDBValue): value is DuckDBValue & Items {
  return typeof value === 'object' && value !== null && 'items' in value
}

function hasEntries(value: DuckDBValue): value is DuckDBValue & Entries {
  return typeof value === 'object' && value !== null && 'entries' in value
}

function hasBytes(value: DuckDBValue): value is DuckDBValue & { readonly bytes: Uint8Array } {
  return typeof value === 'object' && value !== null && 'bytes' in value
}

function isDecimal(value: DuckDBValue): boolean {
  return typeof value === 'object' && value !== null && 'scale' in value
}
