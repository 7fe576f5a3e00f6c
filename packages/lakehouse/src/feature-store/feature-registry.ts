import { EsteiraError, type FeatureView, featureHash, type ObjectStore } from '@esteira/core'
import { z } from 'zod'

/** One definition a view has had. */
export interface FeatureVersion {
  readonly view: string
  /** 1 for the first definition, counted up by every changed one. */
  readonly version: number
  readonly hash: string
}

/** A version with the definition it stands for. */
export interface RegisteredVersion extends FeatureVersion {
  readonly registeredAt: Date
  readonly definition: FeatureView
}

const PREFIX = 'features'

/**
 * The version of the view's present definition; a definition not seen before becomes the next version. Owner, description, time
 * to live and rules are no part of the hash: when only they changed, the version stays and is shown with the new ones.
 */
export async function ensureFeatureVersion(
  objects: ObjectStore,
  view: FeatureView,
  now: Date,
): Promise<FeatureVersion> {
  const hash = featureHash(view)
  // Another process may register a definition at the same time: whoever writes v<n> first has it, the other counts on.
  for (let attempt = 0; attempt < 10; attempt++) {
    const known = await registeredVersions(objects, view.name)
    const same = known.find((version) => version.hash === hash)
    if (same !== undefined) {
      if (JSON.stringify(same.definition) !== JSON.stringify(view))
        await objects.put(keyOf(same), bodyOf(same, view, same.registeredAt))
      return { view: same.view, version: same.version, hash }
    }
    const next: FeatureVersion = { view: view.name, version: (known.at(-1)?.version ?? 0) + 1, hash }
    if (await objects.put(keyOf(next), bodyOf(next, view, now), { ifAbsent: true })) return next
  }
  throw new EsteiraError(
    'ESTEIRA_COMMIT_CONFLICT',
    `view ${view.name}: its version could not be registered, others keep registering theirs`,
  )
}

/** Names of all views that were ever registered, sorted. */
export async function registeredViews(objects: ObjectStore): Promise<string[]> {
  const names = (await objects.list(`${PREFIX}/`)).flatMap(
    ({ key }) => /^features\/([^/]+)\/v\d+\.json$/.exec(key)?.[1] ?? [],
  )
  return [...new Set(names)].sort()
}

/** All versions of a view with their definitions, oldest first. @throws EsteiraError ESTEIRA_CATALOG_CORRUPT */
export async function registeredVersions(objects: ObjectStore, view: string): Promise<RegisteredVersion[]> {
  const versions: RegisteredVersion[] = []
  for (const { key } of await objects.list(`${PREFIX}/${view}/`)) {
    const body = await objects.get(key)
    if (body !== undefined) versions.push(readVersion(key, body))
  }
  return versions.sort((a, b) => a.version - b.version)
}

/** All versions of a view, oldest first. */
export async function featureVersions(objects: ObjectStore, view: string): Promise<FeatureVersion[]> {
  return (await registeredVersions(objects, view)).map(({ version, hash }) => ({ view, version, hash }))
}

function keyOf({ view, version }: FeatureVersion): string {
  return `${PREFIX}/${view}/v${version}.json`
}

function bodyOf({ view, version, hash }: FeatureVersion, definition: FeatureView, registeredAt: Date): string {
  return JSON.stringify({ view, version, hash, registeredAt: registeredAt.toISOString(), definition }, null, 2)
}

/** As much of a stored definition as is needed to read, join and compare it. */
const definitionSchema = z.looseObject({
  name: z.string(),
  from: z.looseObject({
    name: z.string(),
    timezone: z.string(),
    entity: z.object({ column: z.string(), type: z.string() }),
  }),
  features: z.record(z.string(), z.looseObject({ kind: z.string(), type: z.string() })),
})

const versionSchema = z.object({
  view: z.string(),
  version: z.int().positive(),
  hash: z.string(),
  registeredAt: z.iso.datetime(),
  definition: definitionSchema,
})

function readVersion(key: string, body: Uint8Array): RegisteredVersion {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    const { view, version, hash, registeredAt } = versionSchema.parse(value)
    // The value itself: what the schema gives back has other orders of keys, and the hash is made of their order.
    const { definition } = value as { readonly definition: FeatureView }
    return { view, version, hash, registeredAt: new Date(registeredAt), definition }
  } catch (cause) {
    throw new EsteiraError('ESTEIRA_CATALOG_CORRUPT', `${key} is no feature version`, {
      hint: 'Restore the object from a backup, or remove it to register the definition again.',
      cause,
    })
  }
}
