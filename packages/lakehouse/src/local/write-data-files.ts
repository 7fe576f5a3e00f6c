import { EsteiraError, type TableColumnType } from '@esteira/core'
import { z } from 'zod'
import type { DuckDbEngine } from '../duckdb/open-duckdb.js'
import { quoteIdentifier, quoteText } from '../duckdb/sql-quoting.js'
import { columnTypeOf } from '../iceberg/column-types.js'
import type { DataFile } from '../iceberg/data-file.js'
import { type WritablePartition, writablePartitions } from '../iceberg/partition-columns.js'
import { lowerBound, upperBound } from '../iceberg/single-value.js'
import { currentSchema, type SchemaField, specById, type TableMetadata } from '../iceberg/table-metadata.js'
import { partitionValueOf, transformSql } from '../iceberg/transforms.js'
import { parseValue, type Value } from '../iceberg/values.js'
import { pathToUri, uriToPath } from '../storage/local-storage.js'
import type { TableStorage } from '../storage/table-storage.js'

// What COPY … RETURN_STATS gives, one row a file.
const writtenFile = z.object({
  filename: z.string(),
  count: z.coerce.number(),
  file_size_bytes: z.coerce.number(),
  column_statistics: z
    .array(z.object({ key: z.string(), value: z.array(z.object({ key: z.string(), value: z.string().nullable() })) }))
    .nullable(),
  partition_keys: z.array(z.object({ key: z.string(), value: z.string().nullable() })).nullable(),
})
type WrittenFile = z.infer<typeof writtenFile>

export interface DataWrite {
  readonly engine: DuckDbEngine
  readonly storage: TableStorage
  readonly table: string
  readonly metadata: TableMetadata
  /** SELECT of exactly the table's columns with their types. */
  readonly select: string
  /** Part of every file name: finds the files again after a failure. */
  readonly writeId: string
  readonly signal?: AbortSignal
}

/**
 * Writes the rows of a SELECT as Parquet files of the table, durable when this returns; no file for no rows.
 * @throws EsteiraError ESTEIRA_COLUMN_NULL for a null in a required column; what was written is removed
 */
export async function writeDataFiles(write: DataWrite): Promise<readonly DataFile[]> {
  const { storage, metadata, writeId } = write
  const folder = `${metadata.location}/data`
  try {
    const rows = await copyToParquet(write, folder)
    const files = rows.filter((row) => row.count > 0).map((row) => describeFile(write, row))
    await storage.makeDurable(files.map((file) => file.path))
    await storage.remove(rows.filter((row) => row.count === 0).map((row) => pathToUri(row.filename)))
    return files
  } catch (cause) {
    await storage.removeMarked(folder, writeId)
    throw cause
  }
}

async function copyToParquet(write: DataWrite, folder: string): Promise<readonly WrittenFile[]> {
  const { engine, metadata, writeId, signal } = write
  const partitions = partitionsOf(write)
  const fieldIds = currentSchema(metadata).fields.map((field) => `${quoteIdentifier(field.name)}: ${field.id}`)
  const options = ['FORMAT parquet', 'COMPRESSION zstd', 'RETURN_STATS true', `FIELD_IDS {${fieldIds.join(', ')}}`]
  const path = uriToPath(folder)
  await ensureFolder(path)
  if (partitions.length === 0) {
    const sql = `COPY (${write.select}) TO ${quoteText(`${path}/${writeId}.parquet`)} (${options.join(', ')})`
    return z.array(writtenFile).parse(await engine.readRows(sql, signal === undefined ? {} : { signal }))
  }
  const keys = partitions.map((each) => `${transformSql(each.transform, each.column)} AS ${quoteIdentifier(each.key)}`)
  options.push(`PARTITION_BY (${partitions.map((each) => quoteIdentifier(each.key)).join(', ')})`)
  options.push('APPEND true', `FILENAME_PATTERN ${quoteText(`${writeId}-{uuidv7}`)}`)
  const sql = `COPY (SELECT *, ${keys.join(', ')} FROM (${write.select})) TO ${quoteText(path)} (${options.join(', ')})`
  return z.array(writtenFile).parse(await engine.readRows(sql, signal === undefined ? {} : { signal }))
}

async function ensureFolder(path: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises')
  await mkdir(path, { recursive: true })
}

interface PartitionKey extends WritablePartition {
  /** Name of the computed column, different from every column: DuckDB leaves the key column out of the file. */
  readonly key: string
}

function partitionsOf({ metadata, table }: DataWrite): readonly PartitionKey[] {
  const names = new Set(currentSchema(metadata).fields.map((field) => field.name.toLowerCase()))
  return writablePartitions(metadata, specById(metadata, metadata['default-spec-id']), table).map((partition) => {
    let key = partition.name
    while (names.has(key.toLowerCase())) key += '_key'
    names.add(key.toLowerCase())
    return { ...partition, key }
  })
}

function describeFile(write: DataWrite, row: WrittenFile): DataFile {
  const statistics = new Map(
    row.column_statistics?.map(({ key, value }) => [key, new Map(value.map((each) => [each.key, each.value]))]),
  )
  const columnSizes = new Map<number, number>()
  const valueCounts = new Map<number, number>()
  const nullCounts = new Map<number, number>()
  const nanCounts = new Map<number, number>()
  const lowerBounds = new Map<number, Uint8Array>()
  const upperBounds = new Map<number, Uint8Array>()
  for (const field of currentSchema(write.metadata).fields) {
    const column = statistics.get(quoteIdentifier(field.name))
    if (column === undefined) continue
    const type = columnTypeOf(field, write.table)
    setCount(columnSizes, field.id, column.get('column_size_bytes'))
    setCount(valueCounts, field.id, column.get('num_values'))
    setCount(nullCounts, field.id, column.get('null_count'))
    if (column.get('has_nan') === 'false') nanCounts.set(field.id, 0)
    refuseNulls(write.table, field, nullCounts.get(field.id) ?? 0)
    setBounds(lowerBounds, upperBounds, field.id, type, column.get('min'), column.get('max'))
  }
  return {
    path: pathToUri(row.filename),
    format: 'PARQUET',
    partition: partitionOf(write, row),
    recordCount: row.count,
    sizeBytes: row.file_size_bytes,
    columnSizes,
    valueCounts,
    nullCounts,
    nanCounts,
    lowerBounds,
    upperBounds,
  }
}

function setCount(counts: Map<number, number>, fieldId: number, text: string | null | undefined): void {
  if (text !== null && text !== undefined && /^\d+$/.test(text)) counts.set(fieldId, Number(text))
}

// Text that stands for no finite value (an infinite timestamp) gives no bound: readers then look into the file.
function setBounds(
  lowerBounds: Map<number, Uint8Array>,
  upperBounds: Map<number, Uint8Array>,
  fieldId: number,
  type: TableColumnType,
  min: string | null | undefined,
  max: string | null | undefined,
): void {
  const lowest = min === null || min === undefined ? undefined : parseValue(type, min)
  const highest = max === null || max === undefined ? undefined : parseValue(type, max)
  if (lowest !== undefined) lowerBounds.set(fieldId, lowerBound(type, lowest))
  const upper = highest === undefined ? undefined : upperBound(type, highest)
  if (upper !== undefined) upperBounds.set(fieldId, upper)
}

function refuseNulls(table: string, field: SchemaField, nullCount: number): void {
  if (!field.required || nullCount === 0) return
  throw new EsteiraError(
    'ESTEIRA_COLUMN_NULL',
    `column ${field.name} of table ${table} is required, but ${nullCount} rows have no value`,
    {
      hint: `Leave those rows out (WHERE ${field.name} IS NOT NULL) or give them a value; nothing was written.`,
      details: { table, column: field.name, nulls: nullCount },
    },
  )
}

function partitionOf(write: DataWrite, row: WrittenFile): Map<number, Value | null> {
  const keys = new Map(row.partition_keys?.map(({ key, value }) => [key, value]))
  return new Map(
    partitionsOf(write).map(({ key, fieldId, transform, type }) => {
      const text = keys.get(key) ?? null
      const value = text === null ? null : partitionValueOf(transform, type, text)
      if (value !== undefined) return [fieldId, value]
      throw new EsteiraError('ESTEIRA_UNSUPPORTED', `table ${write.table} cannot hold partition ${key}=${text}`, {
        hint: 'Dates of partition columns lie between the years 1 and 9999.',
        details: { table: write.table, partition: key, value: text },
      })
    }),
  )
}
