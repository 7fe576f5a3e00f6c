import { allFields } from './schema-types.js'
import type { TableMetadata } from './table-metadata.js'

/**
 * What a metadata file says twice must agree, and what it refers to must be there. These are rules that Java's reader has
 * too; they find damage that still is JSON of the right form. Gives what is wrong, or undefined.
 */
export function contradictionIn(metadata: TableMetadata): string | undefined {
  return brokenSnapshots(metadata) ?? brokenSchemas(metadata) ?? brokenSpecs(metadata)
}

function brokenSnapshots(metadata: TableMetadata): string | undefined {
  const ids = new Set(metadata.snapshots.map((each) => each['snapshot-id']))
  const current = metadata['current-snapshot-id'] ?? -1n
  const main = metadata.refs['main']?.['snapshot-id'] ?? -1n
  if (current !== main) return `its current snapshot is ${current}, but its branch main is at ${main}`
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (!ids.has(ref['snapshot-id'])) return `snapshot ${ref['snapshot-id']} of ${name} is not in it`
  }
  if (ids.size < metadata.snapshots.length) return 'two snapshots have the same id'
  const last = metadata['last-sequence-number']
  const later = metadata.snapshots.find((each) => each['sequence-number'] > last)
  if (later !== undefined)
    return `snapshot ${later['snapshot-id']} has number ${later['sequence-number']}, after the last one, ${last}`
  return undefined
}

function brokenSchemas(metadata: TableMetadata): string | undefined {
  if (!metadata.schemas.some((each) => each['schema-id'] === metadata['current-schema-id']))
    return `schema ${metadata['current-schema-id']} is not in it`
  for (const schema of metadata.schemas) {
    const seen = new Set<number>()
    for (const { field } of allFields(schema.fields)) {
      if (seen.has(field.id)) return `two columns of schema ${schema['schema-id']} have id ${field.id}`
      seen.add(field.id)
    }
    const names = new Set(schema.fields.map(({ name }) => name))
    if (names.size < schema.fields.length) return `two columns of schema ${schema['schema-id']} have the same name`
  }
  return undefined
}

function brokenSpecs(metadata: TableMetadata): string | undefined {
  if (!metadata['partition-specs'].some((each) => each['spec-id'] === metadata['default-spec-id']))
    return `partition spec ${metadata['default-spec-id']} is not in it`
  return undefined
}
