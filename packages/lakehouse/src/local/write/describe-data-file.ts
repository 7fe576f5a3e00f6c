import { EsteiraError, quoteName, type TableColumnType } from '@esteira/core'
import { z } from 'zod'
import { columnTypeOf } from '../../iceberg/column-types.js'
import { type DataFile, FILE_CONTENT } from '../../iceberg/data-file.js'
import { allFields, type FieldAt } from '../../iceberg/schema-types.js'
import { lowerBound, upperBound } from '../../iceberg/single-value.js'
import type { SchemaField, TableSchema } from '../../iceberg/table-metadata.js'
import { partitionValueOf } from '../../iceberg/transforms.js'
import { parseValue, type Value } from '../../iceberg/values.js'
import { pathToUri } from '../../storage/local-storage.js'
import type { PartitionKey } from './partition-keys.js'

const textMap = z
  .array(z.object({ key: z.string(), value: z.string().nullable() }))
  .transform((entries) => new Map(entries.map(({ key, value }) => [key, value])))

/** What COPY … RETURN_STATS gives, one row a file. */
export const writtenFile = z.object({
  filename: z.string(),
  count: z.coerce.number(),
  file_size_bytes: z.coerce.number(),
  column_statistics: z.array(z.object({ key: z.string(), value: textMap })).nullable(),
  partition_keys: textMap.nullable(),
})
export type WrittenFile = z.infer<typeof writtenFile>

export interface FileOrigin {
  readonly table: string
  readonly schema: TableSchema
  readonly partitionKeys: readonly PartitionKey[]
}

/**
 * A written file as its manifest will describe it: counts, bounds and partition from DuckDB's statistics.
 * @throws EsteiraError ESTEIRA_COLUMN_NULL for a null in a required column
 */
export function describeDataFile({ table, schema, partitionKeys }: FileOrigin, written: WrittenFile): DataFile {
  const statistics = new Map(written.column_statistics?.map(({ key, value }) => [key, value]))
  const columns = [...allFields(schema.fields)].flatMap((at) => {
    const key = at.path.map(({ name }) => quoteName(name)).join('.')
    const column = typeof at.field.type === 'string' ? statistics.get(key) : undefined
    return column === undefined ? [] : [describeColumn(table, at, column)]
  })
  const mapOf = <K extends keyof ColumnFacts>(key: K) =>
    new Map(columns.flatMap(({ fieldId, [key]: fact }) => (fact === undefined ? [] : [[fieldId, fact] as const])))
  return {
    content: FILE_CONTENT.data,
    path: pathToUri(written.filename),
    format: 'PARQUET',
    partition: new Map(partitionKeys.map((key) => [key.fieldId, partitionValue(table, key, written)])),
    recordCount: written.count,
    sizeBytes: written.file_size_bytes,
    columnSizes: mapOf('size'),
    valueCounts: mapOf('values'),
    nullCounts: mapOf('nulls'),
    nanCounts: mapOf('nans'),
    lowerBounds: mapOf('lower'),
    upperBounds: mapOf('upper'),
  }
}

interface ColumnFacts {
  readonly size: number | undefined
  readonly values: number | undefined
  readonly nulls: number | undefined
  readonly nans: number | undefined
  readonly lower: Uint8Array | undefined
  readonly upper: Uint8Array | undefined
}

function describeColumn(
  table: string,
  { field, path, repeated }: FieldAt,
  statistics: ReadonlyMap<string, string | null>,
): ColumnFacts & { readonly fieldId: number } {
  const type = columnTypeOf(field, table)
  const nulls = countIn(statistics, 'null_count')
  if (path.length === 1) refuseNulls(table, field, nulls ?? 0)
  const size = countIn(statistics, 'column_size_bytes')
  const values = countIn(statistics, 'num_values')
  const base = { fieldId: field.id, size, values }
  // In a list or a map there are many values a row: no bounds, and what is null there says nothing of rows.
  if (repeated) return { ...base, nulls: undefined, nans: undefined, lower: undefined, upper: undefined }
  const lowest = valueIn(statistics, 'min', type)
  const highest = valueIn(statistics, 'max', type)
  return {
    ...base,
    nulls,
    // DuckDB says whether there is a NaN, not how many: then the count is left out.
    nans: statistics.get('has_nan') === 'false' ? 0 : undefined,
    lower: lowest === undefined ? undefined : lowerBound(type, lowest),
    upper: highest === undefined ? undefined : upperBound(type, highest),
  }
}

function countIn(statistics: ReadonlyMap<string, string | null>, key: string): number | undefined {
  const text = statistics.get(key) ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

// Text that stands for no finite value (an infinite timestamp) gives no bound: readers then look into the file.
function valueIn(
  statistics: ReadonlyMap<string, string | null>,
  key: string,
  type: TableColumnType,
): Value | undefined {
  const text = statistics.get(key) ?? undefined
  return text === undefined ? undefined : parseValue(type, text)
}

function refuseNulls(table: string, field: SchemaField, nulls: number): void {
  if (!field.required || nulls === 0) return
  const message = `column ${field.name} of table ${table} is required, but ${nulls} rows have no value`
  throw new EsteiraError('ESTEIRA_COLUMN_NULL', message, {
    hint: `Leave those rows out (WHERE ${field.name} IS NOT NULL) or give them a value; nothing was written.`,
    details: { table, column: field.name, nulls },
  })
}

function partitionValue(table: string, key: PartitionKey, written: WrittenFile): Value | null {
  const text = written.partition_keys?.get(key.name) ?? null
  if (text === null) return null
  const value = partitionValueOf(key.transform, key.type, text)
  if (value !== undefined) return value
  throw new EsteiraError('ESTEIRA_UNSUPPORTED', `table ${table} cannot hold partition ${key.name}=${text}`, {
    hint: 'Dates of partition columns lie between the years 1 and 9999; numbers cut by truncate[W] stay inside the type of their column.',
    details: { table, partition: key.name, value: text },
  })
}
