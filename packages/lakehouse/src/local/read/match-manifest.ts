import { type DataFile, FILE_CONTENT, type ManifestFile, type PartitionColumn } from '../../iceberg/data-file.js'
import { decodeSingleValue, encodeSingleValue } from '../../iceberg/single-value.js'
import { type BoundCondition, matchFile } from '../../iceberg/slice.js'
import { parseTransform, partitionRange } from '../../iceberg/transforms.js'

/**
 * Whether files of a manifest can hold rows of a slice, as far as the ranges of their partitions tell. A manifest is looked at
 * as one big file: the range of a partition field is a range of its column.
 */
export function matchManifest(
  slice: readonly BoundCondition[],
  manifest: ManifestFile,
  columns: readonly PartitionColumn[],
): boolean {
  const { partitions } = manifest
  if (slice.length === 0 || partitions === undefined || partitions.length !== columns.length) return true
  return !columns.some((column, index) => {
    const summary = partitions[index]
    const conditions = slice.filter(({ fieldId }) => fieldId === column.sourceId)
    if (summary === undefined || conditions.length === 0) return false
    return conditions.some((condition) => {
      const file = asOneFile(condition, column, manifest, summary)
      return file !== undefined && matchFile([condition], file, []) === 'none'
    })
  })
}

type Summary = NonNullable<ManifestFile['partitions']>[number]

function asOneFile(
  { fieldId, type }: BoundCondition,
  column: PartitionColumn,
  manifest: ManifestFile,
  summary: Summary,
): DataFile | undefined {
  const transform = parseTransform(column.transform)
  if (transform.kind === 'void') return undefined
  const recordCount = manifest.addedRows + manifest.existingRows
  const file = { content: FILE_CONTENT.data, path: manifest.path, format: 'PARQUET', partition: new Map(), recordCount }
  const nanCounts = summary.containsNan === false ? { nanCounts: new Map([[fieldId, 0]]) } : {}
  const { lower, upper } = summary
  // No bounds: every value of the field is null (or NaN), and so is every value of its column.
  if (lower === undefined || upper === undefined) {
    const allNull = summary.containsNull && summary.containsNan !== true
    return allNull ? { ...file, sizeBytes: 0, nullCounts: new Map([[fieldId, recordCount]]) } : undefined
  }
  const [first, last] = [lower, upper].map((bytes) => {
    const value = decodeSingleValue(column.type, bytes)
    return value === undefined ? undefined : partitionRange(transform, type, value)
  })
  if (first === undefined || last === undefined) return undefined
  return {
    ...file,
    sizeBytes: 0,
    lowerBounds: new Map([[fieldId, encodeSingleValue(type, first.first)]]),
    upperBounds: new Map([[fieldId, encodeSingleValue(type, last.last)]]),
    ...(summary.containsNull ? {} : { nullCounts: new Map([[fieldId, 0]]) }),
    ...nanCounts,
  }
}
