/** A name as a SQL identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Text as a SQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
