import type { PartitionField, TableColumn } from '@esteira/core'
import { icebergTypeOf } from './column-types.js'
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
  const fields = table.columns.map((column, index) => fieldOf(column, index + 1))
  return {
    'format-version': 2,
    'table-uuid': table.uuid,
    location: table.location,
    'last-sequence-number': 0,
    'last-updated-ms': table.nowMs,
    'last-column-id': fields.length,
    'current-schema-id': 0,
    schemas: [{ type: 'struct', 'schema-id': 0, fields }],
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

function fieldOf(column: TableColumn, id: number): SchemaField {
  const { name, doc, required = false } = column
  return { id, name, required, type: icebergTypeOf(column.type), ...(doc === undefined ? {} : { doc }) }
}

function partitionOf(field: PartitionField, fields: readonly SchemaField[], index: number) {
  const source = fields.find(({ name }) => name === field.column)
  return {
    name: partitionName(field),
    transform: field.transform,
    'source-id': source?.id ?? 0,
    'field-id': FIRST_PARTITION_ID + index,
  }
}

/** The name Iceberg's own writers give: the column for identity, `<column>_month` otherwise. */
function partitionName({ column, transform }: PartitionField): string {
  return transform === 'identity' ? column : `${column}_${transform}`
}

/** The table with more columns at its end, as a new current schema. */
export function withColumns(metadata: TableMetadata, columns: readonly TableColumn[]): TableMetadata {
  const schemaId = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1
  const base = metadata['last-column-id']
  const added = columns.map((column, index) => fieldOf(column, base + index + 1))
  const schema = {
    ...currentSchema(metadata),
    'schema-id': schemaId,
    fields: [...currentSchema(metadata).fields, ...added],
  }
  return {
    ...metadata,
    'last-column-id': base + columns.length,
    'current-schema-id': schemaId,
    schemas: [...metadata.schemas, schema],
  }
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
    'metadata-log': [...metadata['metadata-log'], entry].slice(-KEPT_LOG_ENTRIES),
  }
}

/** The time of a change: now, but never before the change that it follows, whatever the clock says. */
export function laterOf(metadata: TableMetadata, nowMs: number): number {
  return Math.max(nowMs, metadata['last-updated-ms'])
}

/** `<location>/metadata/00003-<uuid>.metadata.json`, one more than the file before. */
export function metadataLocation(metadata: TableMetadata, previous: string | undefined, uuid: string): string {
  const counter = /\/(\d+)-[^/]*$/.exec(previous ?? '')?.[1]
  const next =
    previous === undefined ? 0 : counter === undefined ? metadata['metadata-log'].length : Number(counter) + 1
  return `${metadata.location}/metadata/${String(next).padStart(5, '0')}-${uuid}.metadata.json`
}
