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
  const number = `TRY_CAST(${text} AS ${type.toUpperCase()})`
  // DuckDB reads 'nan' and 'inf' as doubles; no source means them as values.
  return type === 'double' ? `CASE WHEN isfinite(${number}) THEN ${number} END` : number
}

function parsedTime(text: string, type: 'date' | 'timestamp', format: string | undefined, timezone: string): string {
  const time = format === undefined ? readTime(text, timezone) : readFormatted(text, format, timezone)
  return type === 'date' ? `CAST(${time} AS DATE)` : time
}

function readFormatted(text: string, format: string, timezone: string): string {
  const parsed = `TRY_STRPTIME(${text}, ${quoteText(format)})`
  // With %z DuckDB gives an instant; without, the wall clock as it stands.
  return format.includes('%z') ? `timezone(${quoteText(timezone)}, CAST(${parsed} AS TIMESTAMPTZ))` : parsed
}

function readTime(text: string, timezone: string): string {
  const local = `TRY_CAST(${text} AS TIMESTAMP)`
  // A plain cast would drop the offset and keep the wall clock of another place.
  const hasOffset = `regexp_matches(trim(${text}), '\\d{2}:\\d{2}.*([A-Za-z]|[+-]\\d{2}(:?\\d{2})?)$')`
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
