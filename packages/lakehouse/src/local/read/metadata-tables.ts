import { EsteiraError, nearest, type TableVersion } from '@esteira/core'
import { resolveVersion } from '../table-version.js'
import type { LoadedTable } from '../tables.js'
import { rowsAsSql } from '../write/rows-as-sql.js'
import type { ManifestReader } from './manifest-reader.js'
import { filesTable, manifestsTable } from './metadata-tables-files.js'
import { historyTable, refsTable, snapshotsTable } from './metadata-tables-history.js'
import { partitionsTable } from './metadata-tables-partitions.js'

const OF_THE_TABLE = ['snapshots', 'history', 'refs'] as const
const OF_A_SNAPSHOT = ['files', 'manifests', 'partitions'] as const
type Kind = (typeof OF_THE_TABLE)[number] | (typeof OF_A_SNAPSHOT)[number]

/** A name such as `silver.bookings$snapshots` in its two parts; undefined when it names no metadata table. */
export function splitMetadataName(name: string): { readonly table: string; readonly kind: string } | undefined {
  const mark = name.lastIndexOf('$')
  return mark < 0 ? undefined : { table: name.slice(0, mark), kind: name.slice(mark + 1) }
}

/**
 * SQL text of a metadata table, with the columns and types that Athena gives it. Those that describe one snapshot can be read
 * at a version.
 *
 * @throws EsteiraError ESTEIRA_TABLE_MISSING for a kind that does not exist, ESTEIRA_SQL for a version of one that has none
 */
export async function metadataTable(
  reader: ManifestReader,
  table: LoadedTable,
  kind: string,
  version: TableVersion,
): Promise<string> {
  const known = kindOf(table.name, kind)
  if (known === 'files' || known === 'manifests' || known === 'partitions') {
    const { snapshot, schema } = resolveVersion(table, version)
    const at = { reader, table, snapshot, schema }
    if (known === 'manifests') return rowsAsSql(await manifestsTable(at))
    return rowsAsSql(await (known === 'files' ? filesTable(at) : partitionsTable(at)))
  }
  refuseVersion(table.name, known, version)
  if (known === 'snapshots') return rowsAsSql(snapshotsTable(table.metadata))
  return rowsAsSql(known === 'history' ? historyTable(table.metadata) : refsTable(table.metadata))
}

function kindOf(table: string, kind: string): Kind {
  const all = [...OF_THE_TABLE, ...OF_A_SNAPSHOT]
  const found = all.find((each) => each === kind)
  if (found !== undefined) return found
  const near = nearest(kind, all)
  throw new EsteiraError('ESTEIRA_TABLE_MISSING', `table ${table} has no metadata table $${kind}`, {
    hint: near === undefined ? `There are ${all.map((each) => `$${each}`).join(', ')}.` : `Did you mean $${near}?`,
    details: { table, kind },
  })
}

function refuseVersion(table: string, kind: Kind, version: TableVersion): void {
  if (Object.values(version).every((part) => part === undefined)) return
  throw new EsteiraError('ESTEIRA_SQL', `${table}$${kind} tells of all snapshots and has no versions itself`, {
    hint: `Leave FOR VERSION and FOR TIMESTAMP out; ${OF_A_SNAPSHOT.map((each) => `$${each}`).join(', ')} have versions.`,
    details: { table, kind },
  })
}
