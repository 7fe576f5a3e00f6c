interface PlainSnapshot {
  'snapshot-id': bigint
  'parent-snapshot-id'?: bigint | null
  'sequence-number': number
  'timestamp-ms': number
  'manifest-list': string
  summary: Record<string, string>
  'schema-id'?: number | null
  [other: string]: unknown
}

/**
 * Whether a value fresh from JSON is a snapshot of the usual form. If it is, its ids are made bigint in place; if not, nothing is
 * changed, and a closer look tells what is wrong with it.
 */
export function takePlainSnapshot(value: unknown): value is PlainSnapshot {
  if (typeof value !== 'object' || value === null || 'manifests' in value) return false
  const found = value as Record<string, unknown>
  const { 'snapshot-id': id, 'parent-snapshot-id': parent, summary } = found
  if (!isId(id) || !(parent === undefined || parent === null || isId(parent))) return false
  if (!Number.isSafeInteger(found['sequence-number']) || !Number.isSafeInteger(found['timestamp-ms'])) return false
  const schemaId = found['schema-id']
  if (!(schemaId === undefined || schemaId === null || Number.isSafeInteger(schemaId))) return false
  if (typeof found['manifest-list'] !== 'string' || !isTexts(summary)) return false
  found['snapshot-id'] = BigInt(id)
  if (parent !== undefined && parent !== null) found['parent-snapshot-id'] = BigInt(parent)
  return true
}

function isId(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}

function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  for (const key in value) if (typeof (value as Record<string, unknown>)[key] !== 'string') return false
  return true
}
