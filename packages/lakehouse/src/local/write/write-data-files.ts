import { EsteiraError, quoteName, quoteText } from '@esteira/core'
import { z } from 'zod'
import type { DuckDbEngine } from '../../duckdb/open-duckdb.js'
import type { DataFile } from '../../iceberg/data-file.js'
import { allFields, childFields, type SchemaField } from '../../iceberg/schema-types.js'
import { currentSchema, refuseVersionOne, type TableMetadata } from '../../iceberg/table-metadata.js'
import { pathToUri } from '../../storage/local-storage.js'
import type { TableStorage } from '../../storage/table-storage.js'
import { describeDataFile, type WrittenFile, writtenFile } from './describe-data-file.js'
import { type PartitionKey, partitionKeys, withPartitionKeys } from './partition-keys.js'
import { sortFiles } from './sort-files.js'

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
  /** Text after ORDER BY: how rows are sorted within every file. */
  readonly orderBy?: string | undefined
  readonly newId: () => string
}

/**
 * Writes the rows of a SELECT as Parquet files of the table, durable when this returns; no file for no rows.
 * After a failure what was written is removed.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_NULL, ESTEIRA_SQL, ESTEIRA_DISK_FULL, ESTEIRA_INTERRUPTED, ESTEIRA_UNSUPPORTED
 */
export async function writeDataFiles(write: DataWrite): Promise<readonly DataFile[]> {
  const { storage, metadata, table } = write
  const folder = `${metadata.location}/data`
  refuseVersionOne(metadata)
  refuseFixed(table, currentSchema(metadata).fields)
  try {
    const keys = partitionKeys(table, metadata)
    const path = await storage.prepareFolder(folder)
    const copied = keys.filter(({ transform }) => transform.kind !== 'void')
    const written = await copyToParquet(write, path, copied)
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

// DuckDB writes bytes of any length only; readers such as PyIceberg do not take those for bytes of a fixed length.
function refuseFixed(table: string, fields: readonly SchemaField[]): void {
  for (const { field, path } of allFields(fields)) {
    if (typeof field.type !== 'string' || !field.type.startsWith('fixed[')) continue
    const column = path.map(({ name }) => name).join('.')
    throw new EsteiraError(
      'ESTEIRA_UNSUPPORTED',
      `column ${column} of table ${table} has type ${field.type}, which is read but not written`,
      {
        hint: 'Write to the table with the engine that made it, or copy it into one that has a binary column instead.',
        details: { table, column, type: field.type },
      },
    )
  }
}

/** What COPY … FIELD_IDS wants: an id for every column, and for every part of a nested one. */
function fieldIdsSql(fields: readonly SchemaField[]): string {
  const entries = fields.map(({ id, name, type }) => {
    const inner = fieldIdsSql(childFields(type))
    return `${quoteName(name)}: ${inner === '' ? id : `{__duckdb_field_id: ${id}, ${inner}}`}`
  })
  return entries.join(', ')
}

const CODECS = ['zstd', 'snappy', 'gzip', 'brotli', 'lz4_raw', 'uncompressed']

/** Iceberg's property `write.parquet.compression-codec`; zstd otherwise, whose first level packs nearly as well as the third. */
function compression({ properties }: TableMetadata): readonly string[] {
  const codec = CODECS.find((each) => each === properties['write.parquet.compression-codec']?.toLowerCase()) ?? 'zstd'
  return codec === 'zstd' ? ['COMPRESSION zstd', 'COMPRESSION_LEVEL 1'] : [`COMPRESSION ${codec}`]
}

async function copyToParquet(
  write: DataWrite,
  path: string,
  keys: readonly PartitionKey[],
): Promise<readonly WrittenFile[]> {
  const { engine, storage, metadata, writeId, newId, orderBy, signal } = write
  const fieldIds = fieldIdsSql(currentSchema(metadata).fields)
  const options = ['FORMAT parquet', ...compression(metadata), 'RETURN_STATS true', `FIELD_IDS {${fieldIds}}`]
  const partitioned = keys.length > 0
  const more = partitioned
    ? [
        `PARTITION_BY (${keys.map(({ name }) => quoteName(name)).join(', ')})`,
        'APPEND true',
        `FILENAME_PATTERN ${quoteText(`${writeId}-{uuidv7}`)}`,
      ]
    : []
  const target = partitioned ? path : `${path}/${writeId}.parquet`
  const rows = withPartitionKeys(write.select, keys)
  const select = orderBy === undefined || partitioned ? rows : `SELECT * FROM (${rows}) ORDER BY ${orderBy}`
  const sql = `COPY (${select}) TO ${quoteText(target)} (${[...options, ...more].join(', ')})`
  const written = z.array(writtenFile).parse(await engine.readRows(sql, signal === undefined ? {} : { signal }))
  if (orderBy === undefined || !partitioned) return written
  return sortFiles({ engine, storage, orderBy, writeId, newId, options, signal }, written)
}
