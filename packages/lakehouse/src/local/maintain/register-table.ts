import { EsteiraError, type RegisterOptions } from '@esteira/core'
import { parseTableName } from '../../catalog/table-name.js'
import { currentSnapshot, parseTableMetadata } from '../../iceberg/table-metadata.js'
import { findTable, loadTable, metadataText } from '../load-table.js'
import { ManifestReader } from '../read/manifest-reader.js'
import { planScan } from '../read/plan-scan.js'
import { checkFiles, filesToRead } from '../read/read-files.js'
import { isReadOnly } from '../read-only-tables.js'
import type { LoadedTable, Tables } from '../tables.js'
import { findMetadata } from './find-metadata.js'

/**
 * Makes a table that others wrote known by a name, after a look at everything that reading it needs. Again with the same table
 * it moves the pointer to the given metadata, or changes nothing.
 */
export async function registerTable(
  tables: Tables,
  name: string,
  location: string,
  { adopt = false }: RegisterOptions,
): Promise<LoadedTable> {
  parseTableName(name)
  const pointer = await findMetadata(location)
  const metadata = parseTableMetadata(metadataText(await tables.storage.read(pointer), pointer), pointer)
  const table: LoadedTable = { name, pointer, metadata }
  if (adopt) refuseVersionOne(table)
  await checkReadable(tables, table)
  const id = metadata['table-uuid']
  // THE COMMIT POINT of a registration: one row of the catalog, and its mark with it.
  if (await tables.catalog.create(name, pointer, adopt ? undefined : id)) return loadTable(tables, name)
  return registerAgain(tables, table, adopt)
}

async function registerAgain(tables: Tables, table: LoadedTable, adopt: boolean): Promise<LoadedTable> {
  const { name, pointer, metadata } = table
  const known = await findTable(tables, name)
  if (known?.metadata['table-uuid'] !== metadata['table-uuid']) throw nameTaken(name, known)
  const wasReadOnly = await isReadOnly(tables, known)
  // A table of our own moves by commits alone: an older metadata file would undo them.
  if (wasReadOnly && known.pointer !== pointer) await tables.catalog.swap(name, known.pointer, pointer)
  else if (known.pointer !== pointer) throw ownTable(table, known)
  if (wasReadOnly && adopt) await tables.catalog.setReadOnlyId(name, undefined)
  return loadTable(tables, name)
}

/** Reads all manifests and looks for all files: a table that was moved or is not whole is refused now, not at its first use. */
async function checkReadable(tables: Tables, table: LoadedTable): Promise<void> {
  refuseEncrypted(table)
  const snapshot = currentSnapshot(table.metadata)
  const reader = new ManifestReader(tables.storage)
  try {
    const { files } = await planScan(reader, table, snapshot, [])
    checkFiles(table.name, tables.storage, filesToRead(files))
    const encrypted = files.find(({ file }) => file.keyMetadata !== undefined)
    if (encrypted !== undefined) throw encryptedError(table, encrypted.file.path)
  } catch (cause) {
    if (!(cause instanceof EsteiraError) || cause.code !== 'ESTEIRA_TABLE_CORRUPT') throw cause
    throw new EsteiraError('ESTEIRA_TABLE_CORRUPT', cause.message, {
      hint: `The table says that it lies at ${table.metadata.location}. Was it moved or copied? Register it where it was written, or restore what is missing.`,
      details: { ...cause.details, table: table.name },
      cause,
    })
  }
}

function refuseVersionOne({ name, metadata }: LoadedTable): void {
  if (metadata['format-version'] !== 1) return
  throw new EsteiraError('ESTEIRA_UNSUPPORTED', `table ${name} has format version 1, which is read and not written`, {
    hint: 'Register it without --adopt, or raise its format-version to 2 by the engine that writes it.',
    details: { table: name, formatVersion: 1 },
  })
}

const ENCRYPTION_PROPERTIES = ['encryption.key-id', 'encryption.table.key.id', 'encryption.type']

function refuseEncrypted(table: LoadedTable): void {
  const { properties } = table.metadata
  const property = ENCRYPTION_PROPERTIES.find((key) => properties[key] !== undefined)
  const keys = (table.metadata as { readonly 'encryption-keys'?: unknown })['encryption-keys']
  if (property !== undefined || (Array.isArray(keys) && keys.length > 0)) throw encryptedError(table, table.pointer)
}

function encryptedError(table: LoadedTable, file: string): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `table ${table.name} is encrypted (${file}); encrypted tables are not read`,
    {
      hint: 'Copy it to a table without encryption by the engine that holds its keys.',
      details: { table: table.name, file },
    },
  )
}

function nameTaken(name: string, known: LoadedTable | undefined): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_USAGE',
    `another table is registered as ${name}, at ${known?.metadata.location ?? 'an unknown place'}`,
    { hint: 'Choose another name.', details: { table: name } },
  )
}

function ownTable({ name, pointer }: LoadedTable, known: LoadedTable): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_USAGE',
    `table ${name} stands at ${known.pointer}; it cannot be set to ${pointer}, which is another state of it`,
    {
      hint: `An earlier state comes back by: npx esteira tables rollback ${name} <snapshot>`,
      details: { table: name, expected: known.pointer, found: pointer },
    },
  )
}
