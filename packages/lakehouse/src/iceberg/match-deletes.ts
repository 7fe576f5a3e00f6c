import { type DataFile, FILE_CONTENT } from './data-file.js'
import type { HeldFile, LiveFile } from './live-files.js'
import { specById, type TableMetadata } from './table-metadata.js'

/** Field ids that the specification reserves for the columns of position delete files. */
const DELETE_PATH_ID = 2147483546

/**
 * Gives every data file the delete files that may concern it (specification, section "Scan Planning"): of the same partition
 * and spec, or global ones; position deletes not older than the data file, equality deletes younger than it.
 */
export function matchDeletes(
  metadata: TableMetadata,
  data: readonly HeldFile[],
  deletes: readonly HeldFile[],
): readonly LiveFile[] {
  if (deletes.length === 0) return data.map((each) => ({ ...each, deletes: [] }))
  const index = indexDeletes(metadata, deletes)
  return data.map((each) => {
    const partition = partitionKey(each)
    const ofFile = index.ofFile.get(each.file.path)?.filter((candidate) => partitionKey(candidate) === partition) ?? []
    const candidates = [...ofFile, ...(index.ofPartition.get(partition) ?? []), ...index.everywhere]
    return { ...each, deletes: candidates.filter((candidate) => concerns(candidate, each)) }
  })
}

interface DeleteIndex {
  readonly ofFile: ReadonlyMap<string, readonly HeldFile[]>
  readonly ofPartition: ReadonlyMap<string, readonly HeldFile[]>
  readonly everywhere: readonly HeldFile[]
}

function indexDeletes(metadata: TableMetadata, deletes: readonly HeldFile[]): DeleteIndex {
  const ofFile = new Map<string, HeldFile[]>()
  const ofPartition = new Map<string, HeldFile[]>()
  const everywhere: HeldFile[] = []
  for (const each of deletes) {
    const target = referencedFile(each.file)
    if (target !== undefined) listOf(ofFile, target).push(each)
    else if (each.file.content === FILE_CONTENT.equalityDeletes && isUnpartitioned(metadata, each.specId))
      everywhere.push(each)
    else listOf(ofPartition, partitionKey(each)).push(each)
  }
  return { ofFile, ofPartition, everywhere }
}

function listOf(map: Map<string, HeldFile[]>, key: string): HeldFile[] {
  const list = map.get(key) ?? []
  map.set(key, list)
  return list
}

// A position delete file of one data file says so, or has that file's path as both bounds of its path column.
function referencedFile(file: DataFile): string | undefined {
  if (file.content !== FILE_CONTENT.positionDeletes) return undefined
  if (file.referencedDataFile !== undefined) return file.referencedDataFile
  const lower = file.lowerBounds?.get(DELETE_PATH_ID)
  const upper = file.upperBounds?.get(DELETE_PATH_ID)
  if (lower === undefined || upper === undefined || Buffer.compare(lower, upper) !== 0) return undefined
  return Buffer.from(lower).toString('utf8')
}

function concerns({ file, sequenceNumber }: HeldFile, data: HeldFile): boolean {
  return file.content === FILE_CONTENT.equalityDeletes
    ? data.sequenceNumber < sequenceNumber
    : data.sequenceNumber <= sequenceNumber
}

/** Text that is equal for two files exactly when they lie in the same partition of the same spec. */
export function partitionKey({ specId, file }: Pick<HeldFile, 'specId' | 'file'>): string {
  const values = [...file.partition].sort(([a], [b]) => a - b)
  return JSON.stringify([specId, ...values.map(([id, value]) => [id, typeof value, String(value)])])
}

function isUnpartitioned(metadata: TableMetadata, specId: number): boolean {
  return specById(metadata, specId).fields.every(({ transform }) => transform === 'void')
}
