import { quoteName, quoteText, type SourceColumn, type SourceDefinition } from '@esteira/core'

/** SQL (DuckDB) that gives the typed value of a column held as text; null when the text is none of the type. */
export function parsedValue(source: SourceDefinition, column: SourceColumn): string {
  const text = quoteName(column.name)
  const { type, format } = column
  if (type === 'string') return text
  if (type === 'date' || type === 'timestamp') return parsedTime(text, type, format, source.timezone)
  if (type === 'int' || type === 'long') {
    const sqlType = type === 'int' ? 'INTEGER' : 'BIGINT'
    // A plain cast would round 1.5 to 2.
    return `CASE WHEN regexp_full_match(${text}, '\\s*[+-]?\\d+\\s*') THEN TRY_CAST(${text} AS ${sqlType}) END`
  }
  if (type === 'boolean') {
    return `CASE WHEN lower(${text}) IN ('true', 't', '1', 'yes') THEN TRUE WHEN lower(${text}) IN ('false', 'f', '0', 'no') THEN FALSE END`
  }
  return `TRY_CAST(${text} AS ${type.toUpperCase()})`
}

function parsedTime(text: string, type: 'date' | 'timestamp', format: string | undefined, timezone: string): string {
  if (format !== undefined) {
    const parsed = `TRY_STRPTIME(${text}, ${quoteText(format)})`
    return type === 'date' ? `CAST(${parsed} AS DATE)` : parsed
  }
  if (type === 'date') return `TRY_CAST(${text} AS DATE)`
  const local = `TRY_CAST(${text} AS TIMESTAMP)`
  if (timezone === 'UTC') return local
  const hasOffset = `regexp_matches(${text}, '\\d{2}:\\d{2}.*(Z|[+-]\\d{2}(:?\\d{2})?)$')`
  return `CASE WHEN ${hasOffset} THEN timezone(${quoteText(timezone)}, TRY_CAST(${text} AS TIMESTAMPTZ)) ELSE ${local} END`
}

/** SQL (DuckDB) that is true where a column holds text that is none of its type. */
export function isUnparsable(source: SourceDefinition, column: SourceColumn): string {
  return `(${quoteName(column.name)} IS NOT NULL AND (${parsedValue(source, column)}) IS NULL)`
}

/** SQL (DuckDB) for free spelling made one: trimmed, lower case, accents off, inner white space to `_`; null when nothing is left. */
export function standardized(text: string): string {
  return `NULLIF(regexp_replace(lower(strip_accents(trim(${text}))), '[\\s-]+', '_', 'g'), '')`
}
