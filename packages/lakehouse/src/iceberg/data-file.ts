import type { TableColumnType } from '@esteira/core'
import type { Value } from './values.js'

/** What a file of a table holds: rows, positions of deleted rows, or values that deleted rows have. */
export const FILE_CONTENT = { data: 0, positionDeletes: 1, equalityDeletes: 2 } as const

/** A data or delete file of a table, as its manifest describes it. Maps are keyed by the column's field id. */
export interface DataFile {
  readonly content: 0 | 1 | 2
  /** URI, as the manifest writes it. */
  readonly path: string
  readonly format: string
  /** Partition values by partition field id. */
  readonly partition: ReadonlyMap<number, Value | null>
  readonly recordCount: number
  readonly sizeBytes: number
  readonly columnSizes?: ReadonlyMap<number, number>
  /** Values of a column, nulls included. */
  readonly valueCounts?: ReadonlyMap<number, number>
  readonly nullCounts?: ReadonlyMap<number, number>
  readonly nanCounts?: ReadonlyMap<number, number>
  readonly lowerBounds?: ReadonlyMap<number, Uint8Array>
  readonly upperBounds?: ReadonlyMap<number, Uint8Array>
  readonly keyMetadata?: Uint8Array
  readonly splitOffsets?: readonly (number | bigint)[]
  readonly sortOrderId?: number
  /** Columns whose values an equality delete file compares. */
  readonly equalityIds?: readonly number[]
  /** The only data file that a position delete file speaks of. */
  readonly referencedDataFile?: string
}

export const ENTRY_STATUS = { existing: 0, added: 1, deleted: 2 } as const

/** One line of a manifest. Absent numbers are inherited from the manifest list when the entry is an added one. */
export interface ManifestEntry {
  readonly status: 0 | 1 | 2
  readonly snapshotId?: bigint
  readonly sequenceNumber?: number
  readonly fileSequenceNumber?: number
  readonly file: DataFile
}

/** One partition field of a manifest's spec: what a partition value is and where it comes from. */
export interface PartitionColumn {
  readonly fieldId: number
  readonly name: string
  readonly sourceId: number
  readonly transform: string
  /** Type of the partition value. */
  readonly type: TableColumnType
}

/** One line of a manifest list. */
export interface ManifestFile {
  readonly path: string
  readonly sizeBytes: number
  readonly specId: number
  readonly content: 'data' | 'deletes'
  readonly sequenceNumber: number
  readonly minSequenceNumber: number
  readonly addedSnapshotId: bigint
  readonly addedFiles: number
  readonly existingFiles: number
  readonly deletedFiles: number
  readonly addedRows: number
  readonly existingRows: number
  readonly deletedRows: number
  readonly partitions?: readonly PartitionSummary[]
  readonly keyMetadata?: Uint8Array
}

/** Range of one partition field over the files of a manifest. */
export interface PartitionSummary {
  readonly containsNull: boolean
  readonly containsNan?: boolean
  readonly lower?: Uint8Array
  readonly upper?: Uint8Array
}

/** Rows of files together. */
export function rowsIn(files: readonly DataFile[]): number {
  return files.reduce((sum, { recordCount }) => sum + recordCount, 0)
}
