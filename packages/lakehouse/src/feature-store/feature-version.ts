import { EsteiraError, type FeatureView, featureHash, type ObjectStore } from '@esteira/core'

/** One definition a view has had. */
export interface FeatureVersion {
  readonly view: string
  /** 1 for the first definition, counted up by every changed one. */
  readonly version: number
  readonly hash: string
}

const PREFIX = 'features'

/** The version of the view's present definition; a definition not seen before becomes the next version. */
export async function ensureFeatureVersion(
  objects: ObjectStore,
  view: FeatureView,
  now: Date,
): Promise<FeatureVersion> {
  const hash = featureHash(view)
  // Another process may register a definition at the same time: whoever writes v<n> first has it, the other counts on.
  for (let attempt = 0; attempt < 10; attempt++) {
    const known = await featureVersions(objects, view.name)
    const same = known.find((version) => version.hash === hash)
    if (same !== undefined) return same
    const next: FeatureVersion = { view: view.name, version: known.length + 1, hash }
    const body = JSON.stringify({ ...next, registeredAt: now.toISOString(), definition: view }, null, 2)
    if (await objects.put(`${PREFIX}/${view.name}/v${next.version}.json`, body, { ifAbsent: true })) return next
  }
  throw new EsteiraError(
    'ESTEIRA_COMMIT_CONFLICT',
    `view ${view.name}: its version could not be registered, others keep registering theirs`,
  )
}

/** All versions of a view, oldest first. */
export async function featureVersions(objects: ObjectStore, view: string): Promise<FeatureVersion[]> {
  const versions: FeatureVersion[] = []
  for (const { key } of await objects.list(`${PREFIX}/${view}/`)) {
    const body = await objects.get(key)
    if (body !== undefined) versions.push(readVersion(key, body))
  }
  return versions.sort((a, b) => a.version - b.version)
}

function readVersion(key: string, body: Uint8Array): FeatureVersion {
  const value: unknown = JSON.parse(new TextDecoder().decode(body))
  if (
    typeof value === 'object' &&
    value !== null &&
    'view' in value &&
    'version' in value &&
    'hash' in value &&
    typeof value.view === 'string' &&
    typeof value.version === 'number' &&
    typeof value.hash === 'string'
  ) {
    return { view: value.view, version: value.version, hash: value.hash }
  }
  throw new EsteiraError('ESTEIRA_CATALOG_CORRUPT', `${key} is no feature version`, {
    hint: 'Restore the object from a backup, or remove it to register the definition again.',
  })
}
