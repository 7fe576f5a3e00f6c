import { quoteName, quoteText } from '@esteira/core'
import { z } from 'zod'
import type { DuckDbEngine } from '../duckdb/open-duckdb.js'
import type { DataFile } from '../iceberg/data-file.js'
import { currentSchema, type TableMetadata } from '../iceberg/table-metadata.js'
import { pathToUri } from '../storage/local-storage.js'
import type { TableStorage } from '../storage/table-storage.js'
import { describeDataFile, type WrittenFile, writtenFile } from './describe-data-file.js'
import { type PartitionKey, partitionKeys, withPartitionKeys } from './partition-keys.js'

export interface DataWrite {
  readonly engine: DuckDbEngine
  readonly storage: TableStorage
  readonly table: string
  readonly metadata: TableMetadata
  /** SELECT of exactly the table's columns with their types. */
  readonly select: string
  /** Part of every file name: finds the files again after a failure. */
  readonly writeId: string
  readonly signal: AbortSignal | undefined
}

/**
 * Writes the rows of a SELECT as Parquet files of the table, durable when this returns; no file for no rows.
 * After a failure what was written is removed.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_NULL, ESTEIRA_SQL, ESTEIRA_DISK_FULL, ESTEIRA_INTERRUPTED
 */
export async function writeDataFiles(write: DataWrite): Promise<readonly DataFile[]> {
  const { storage, metadata, table } = write
  const folder = `${metadata.location}/data`
  try {
    const keys = partitionKeys(table, metadata)
    const path = await storage.prepareFolder(folder)
    const written = await copyToParquet(write, path, keys)
    const origin = { table, schema: currentSchema(metadata), partitionKeys: keys }
    const files = written.filter(({ count }) => count > 0).map((each) => describeDataFile(origin, each))
    await storage.makeDurable(files.map((file) => file.path))
    await storage.remove(written.filter(({ count }) => count === 0).map(({ filename }) => pathToUri(filename)))
    return files
  } catch (cause) {
    await storage.removeMarked(folder, write.writeId)
    throw cause
  }
}

async function copyToParquet(
  write: DataWrite,
  path: string,
  keys: readonly PartitionKey[],
): Promise<readonly WrittenFile[]> {
  const { engine, metadata, writeId, signal } = write
  const fieldIds = currentSchema(metadata).fields.map((field) => `${quoteName(field.name)}: ${field.id}`)
  const options = ['FORMAT parquet', 'COMPRESSION zstd', 'RETURN_STATS true', `FIELD_IDS {${fieldIds.join(', ')}}`]
  if (keys.length > 0) {
    options.push(`PARTITION_BY (${keys.map(({ name }) => quoteName(name)).join(', ')})`)
    options.push('APPEND true', `FILENAME_PATTERN ${quoteText(`${writeId}-{uuidv7}`)}`)
  }
  const target = keys.length > 0 ? path : `${path}/${writeId}.parquet`
  const sql = `COPY (${withPartitionKeys(write.select, keys)}) TO ${quoteText(target)} (${options.join(', ')})`
  return z.array(writtenFile).parse(await engine.readRows(sql, signal === undefined ? {} : { signal }))
}
