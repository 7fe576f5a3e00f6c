import { checkSpelling } from './check-spelling.js'
import { refuseSql } from './refuse-sql.js'
import { nodeOf, type SqlNode } from './sql-tree.js'

/** Nodes that a query can be. */
const QUERIES = ['select', 'union', 'intersect', 'except', 'subquery']

/**
 * Parses one SELECT (WITH and set operations included) of the Trino dialect. The parser is loaded at the first call: it
 * costs about 130 ms and 200 MB.
 * @throws EsteiraError ESTEIRA_SQL
 */
export async function parseAthenaSelect(sql: string): Promise<SqlNode> {
  if (sql.includes('\0')) throw refuseSql('the statement holds a null character', 'Remove it.')
  const { Dialect, parse } = await import('@polyglot-sql/sdk')
  const parsed = parse(sql, Dialect.Trino)
  if (!parsed.success) {
    throw refuseSql(`the statement is not valid SQL: ${parsed.error ?? 'unknown error'}`, 'Correct it at that place.')
  }
  const statements: readonly unknown[] = Array.isArray(parsed.ast) ? parsed.ast : []
  if (statements.length !== 1) {
    throw refuseSql(`one statement was expected, ${statements.length} came`, 'Send statements one by one.')
  }
  const statement = nodeOf(statements[0])
  if (!QUERIES.includes(statement.tag)) {
    throw refuseSql(`a SELECT was expected, "${statement.tag.replaceAll('_', ' ')}" came`, 'Only queries can be run.')
  }
  checkSpelling(sql)
  return statement
}
