import type { PruningCondition, TableVersion } from '@esteira/core'
import { refuseSql } from './refuse-sql.js'
import { allowFields, identifier, nodeOf, recordOf, type SqlNode } from './sql-tree.js'

/** A table that a statement reads: `<database>.<table>`, or the bare name, and which version of it. */
export interface TableRequest {
  readonly name: string
  readonly version: TableVersion | undefined
  /** What the statement asks of single columns of the table; empty when nothing follows for its files. */
  readonly where: readonly PruningCondition[]
}

const READ = ['name', 'schema', 'catalog', 'alias', 'column_aliases', 'version']

/** @throws EsteiraError ESTEIRA_SQL */
export function tableRequestOf(node: SqlNode, where: readonly PruningCondition[] = []): TableRequest {
  const { fields } = node
  allowFields('FROM', fields, READ)
  const { catalog, schema, version } = fields
  if (catalog && identifier(catalog).toLowerCase() !== 'awsdatacatalog') {
    throw refuseSql(`there is no catalog "${identifier(catalog)}"`, 'Write database.table.')
  }
  // Athena folds names of tables to lower case, also quoted ones.
  const names = [schema, fields['name']].filter((part) => part).map((part) => identifier(part).toLowerCase())
  return { name: names.join('.'), version: version ? versionOf(recordOf(version)) : undefined, where }
}

function versionOf(fields: Readonly<Record<string, unknown>>): TableVersion {
  allowFields('FROM', fields, ['this', 'kind', 'expression'])
  const kind = String(recordOf(nodeOf(fields['this']).fields)['name']).toUpperCase()
  const point = nodeOf(fields['expression'])
  const value = String(point.fields['value'])
  const type = point.tag === 'literal' ? point.fields['literal_type'] : undefined
  if (fields['kind'] === 'AS OF' && kind === 'VERSION' && type === 'number' && /^\d+$/.test(value)) {
    return { snapshotId: value }
  }
  if (fields['kind'] === 'AS OF' && kind === 'VERSION' && type === 'string' && value !== '') return { ref: value }
  if (fields['kind'] === 'AS OF' && kind === 'TIMESTAMP' && type === 'timestamp') return { asOf: instantOf(value) }
  throw refuseSql(
    'a version of a table was expected',
    "Write FOR VERSION AS OF 123, FOR VERSION AS OF 'tag' or FOR TIMESTAMP AS OF TIMESTAMP '2026-01-01 00:00:00 UTC'.",
  )
}

/** A timestamp without a zone is UTC, as in Athena. */
function instantOf(text: string): Date {
  const parts = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?)? ?(UTC|Z|[+-]\d\d:\d\d)?$/.exec(text)
  const [, day = '', time = '00:00', seconds = ':00', zone = 'UTC'] = parts ?? []
  const instant = new Date(`${day}T${time}${seconds}${zone === 'UTC' ? 'Z' : zone}`)
  if (parts !== null && !Number.isNaN(instant.getTime())) return instant
  throw refuseSql(`'${text.slice(0, 40)}' is no point in time`, "Write TIMESTAMP '2026-01-01 00:00:00 UTC'.")
}
