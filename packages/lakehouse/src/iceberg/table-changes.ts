import { isDeepStrictEqual } from 'node:util'
import type { PartitionField, TableColumn } from '@esteira/core'
import { newFields } from './column-types.js'
import { partitionName } from './evolve-partitions.js'
import { currentSchema, type SchemaField, type TableMetadata, type TableSnapshot } from './table-metadata.js'

const FIRST_PARTITION_ID = 1000
const KEPT_LOG_ENTRIES = 100

export interface NewTable {
  readonly uuid: string
  readonly location: string
  readonly columns: readonly TableColumn[]
  readonly partitionBy: readonly PartitionField[]
  readonly properties: Readonly<Record<string, string>>
  readonly nowMs: number
}

/** Metadata of a table without rows. */
export function newTableMetadata(table: NewTable): TableMetadata {
  const { fields, lastColumnId } = newFields(table.columns, 0)
  return {
    'format-version': 2,
    'table-uuid': table.uuid,
    location: table.location,
    'last-sequence-number': 0,
    'last-updated-ms': table.nowMs,
    'last-column-id': lastColumnId,
    'current-schema-id': 0,
    schemas: [{ type: 'struct', 'schema-id': 0, fields: [...fields] }],
    'default-spec-id': 0,
    'partition-specs': [
      { 'spec-id': 0, fields: table.partitionBy.map((field, index) => partitionOf(field, fields, index)) },
    ],
    'last-partition-id': FIRST_PARTITION_ID - 1 + table.partitionBy.length,
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    properties: { ...table.properties },
    // Readers older than Iceberg 1.4 want -1, not an absent field, before the first snapshot.
    'current-snapshot-id': -1n,
    refs: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    statistics: [],
    'partition-statistics': [],
  }
}

function partitionOf(field: PartitionField, fields: readonly SchemaField[], index: number) {
  const source = fields.find(({ name }) => name === field.column)
  return {
    name: partitionName(field, fields),
    transform: field.transform,
    'source-id': source?.id ?? 0,
    'field-id': FIRST_PARTITION_ID + index,
  }
}

/** The table with more columns at its end, as a new current schema. */
export function withColumns(metadata: TableMetadata, columns: readonly TableColumn[]): TableMetadata {
  const { fields, lastColumnId } = newFields(columns, metadata['last-column-id'])
  return withFields({ ...metadata, 'last-column-id': lastColumnId }, [...currentSchema(metadata).fields, ...fields])
}

/** The table with these columns as its current schema: one that it had before when that is the same. */
export function withFields(metadata: TableMetadata, fields: readonly SchemaField[]): TableMetadata {
  const current = currentSchema(metadata)
  const keys = current['identifier-field-ids']
  const found = metadata.schemas.find(
    (each) => isDeepStrictEqual(each.fields, fields) && isDeepStrictEqual(each['identifier-field-ids'], keys),
  )
  if (found !== undefined) return { ...metadata, 'current-schema-id': found['schema-id'] }
  const schemaId = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1
  const schema = { ...current, 'schema-id': schemaId, fields: [...fields] }
  return { ...metadata, 'current-schema-id': schemaId, schemas: [...metadata.schemas, schema] }
}

/** The table with a snapshot on top of its main branch. */
export function withSnapshot(metadata: TableMetadata, snapshot: TableSnapshot): TableMetadata {
  const snapshotId = snapshot['snapshot-id']
  const main = { ...metadata.refs['main'], 'snapshot-id': snapshotId, type: 'branch' }
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'current-snapshot-id': snapshotId,
    refs: { ...metadata.refs, main },
    snapshots: [...metadata.snapshots, snapshot],
    'snapshot-log': [
      ...metadata['snapshot-log'],
      { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': snapshotId },
    ],
  }
}

/** The metadata as the file after `previous`: times never go back, the log names the file before. */
export function succeeding(metadata: TableMetadata, previous: string, nowMs: number): TableMetadata {
  const entry = { 'timestamp-ms': metadata['last-updated-ms'], 'metadata-file': previous }
  return {
    ...metadata,
    'last-updated-ms': laterOf(metadata, nowMs),
    'metadata-log': [...metadata['metadata-log'], entry].slice(-keptLogEntries(metadata)),
  }
}

function keptLogEntries({ properties }: TableMetadata): number {
  const kept = Number(properties['write.metadata.previous-versions-max'])
  return Number.isSafeInteger(kept) && kept > 0 ? kept : KEPT_LOG_ENTRIES
}

/** The time of a change: now, but never before the change that it follows, whatever the clock says. */
export function laterOf(metadata: TableMetadata, nowMs: number): number {
  return Math.max(nowMs, metadata['last-updated-ms'])
}
