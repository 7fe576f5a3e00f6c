import { EsteiraError, type Lakehouse } from '@esteira/core'
import { findTable } from './load-table.js'
import type { TableOperations } from './table-operations.js'
import type { LoadedTable, Tables } from './tables.js'

/** Whether a table was registered to be read only. A mark that an earlier table of the name left behind does not count. */
export async function isReadOnly(tables: Pick<Tables, 'catalog'>, table: LoadedTable): Promise<boolean> {
  return (await tables.catalog.readOnlyId(table.name)) === table.metadata['table-uuid']
}

async function refuseReadOnly(tables: Tables, name: string): Promise<void> {
  // Most names have no mark: then no metadata file is read for it.
  if ((await tables.catalog.readOnlyId(name)) === undefined) return
  const table = await findTable(tables, name)
  if (table === undefined || !(await isReadOnly(tables, table))) return
  throw new EsteiraError(
    'ESTEIRA_ACCESS_DENIED',
    `table ${name} belongs to others: it was registered to be read only`,
    {
      hint: `Write to a table of your own, or take this one over: npx esteira tables register ${name} ${table.metadata.location} --adopt`,
      details: { table: name, location: table.metadata.location },
    },
  )
}

type Writes = TableOperations & Pick<Lakehouse, 'ensureTable'>

/** The operations, each of which refuses to change a table that is only read. */
export function guardWrites(tables: Tables, operations: Writes): Writes {
  const guard =
    <Rest extends readonly unknown[], Result>(work: (name: string, ...rest: Rest) => Promise<Result>) =>
    async (name: string, ...rest: Rest): Promise<Result> => {
      await refuseReadOnly(tables, name)
      return work(name, ...rest)
    }
  return {
    ...operations,
    ensureTable: guard(operations.ensureTable),
    append: guard(operations.append),
    replace: guard(operations.replace),
    upsert: guard(operations.upsert),
    delete: guard(operations.delete),
    evolve: guard(operations.evolve),
    rollback: guard(operations.rollback),
    tag: guard(operations.tag),
    branch: guard(operations.branch),
    dropRef: guard(operations.dropRef),
    compact: guard(operations.compact),
    relocate: guard(operations.relocate),
    expire: (name, options) => (options?.dryRun === true ? operations.expire : guard(operations.expire))(name, options),
    removeOrphans: (name, options) =>
      (options?.dryRun === false ? guard(operations.removeOrphans) : operations.removeOrphans)(name, options),
  }
}
