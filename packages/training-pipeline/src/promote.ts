import { EsteiraError, type ModelRegistry, type ModelStage, type ModelVersion } from '@esteira/core'

/** Where a promotion goes: the alias readers use and the stage kept in step with it. */
export interface Target {
  readonly alias: 'staging' | 'production'
  readonly stage: ModelStage
}

/** `ENV=dev` moves only `staging`; everything else moves `production`. */
export function promotionTarget(stage: 'staging' | 'production'): Target {
  return stage === 'staging' ? { alias: 'staging', stage: 'Staging' } : { alias: 'production', stage: 'Production' }
}

/** Tags of a promoted version, one pair an alias: which version was live before it, and since when it is. */
const predecessorTag = (alias: Target['alias']) => `esteira.${alias}.predecessor`
const promotedTag = (alias: Target['alias']) => `esteira.${alias}.promoted_at`

export interface Promotion {
  readonly version: number
  readonly alias: string
  /** Version that was live before; absent when none was. */
  readonly from?: number
  /** False when the version was live already. */
  readonly changed: boolean
}

/**
 * Makes a version the live one: alias first (the one commit point readers see), then the stage, with the old version archived.
 *
 * @throws EsteiraError ESTEIRA_MODEL_MISSING
 */
export async function promote(
  registry: ModelRegistry,
  options: {
    readonly name: string
    readonly version: number
    readonly target: Target
    readonly now: Date
    /** Leave what the version says of the one before it: a rollback is no step forward. */
    readonly keepPredecessor?: boolean
  },
): Promise<Promotion> {
  const { name, version, target } = options
  const found = await registry.getVersion(name, version)
  if (found === undefined) throw await missing(registry, name, version)
  const live = await registry.versionByAlias(name, target.alias)
  // A version has one stage; the one that is in production stays there when it is staging too.
  const stage = found.aliases.includes('production') ? 'Production' : target.stage
  if (live?.version === version && found.stage === stage)
    return { version, alias: target.alias, changed: false, from: version }
  // A promotion that was cut short after its alias moved is finished; what was live before stands in the tag.
  const before = live?.version === version ? found.tags[predecessorTag(target.alias)] : live?.version
  await registry.setVersionTags(name, version, {
    [promotedTag(target.alias)]: options.now.toISOString(),
    ...(options.keepPredecessor !== true && { [predecessorTag(target.alias)]: String(before ?? 'none') }),
  })
  // Commit point: from here on readers of the alias get the new version.
  await registry.setAlias(name, target.alias, version)
  await registry.setStage(name, version, stage, { archiveExisting: true })
  if (stage !== target.stage) await archiveStage(registry, name, target.stage)
  const from = Number(before ?? Number.NaN)
  return { version, alias: target.alias, changed: true, ...(Number.isInteger(from) && { from }) }
}

async function archiveStage(registry: ModelRegistry, name: string, stage: ModelStage): Promise<void> {
  for (const other of await registry.versions(name))
    if (other.stage === stage) await registry.setStage(name, other.version, 'Archived')
}

/**
 * The version that was live before the present one, made live again; once more, the one before that.
 *
 * @throws EsteiraError ESTEIRA_MODEL_MISSING
 */
export async function rollback(
  registry: ModelRegistry,
  options: { readonly name: string; readonly target: Target; readonly now: Date },
): Promise<Promotion> {
  const { name, target } = options
  const live = await registry.versionByAlias(name, target.alias)
  if (live === undefined) {
    throw new EsteiraError(
      'ESTEIRA_MODEL_MISSING',
      `${name}: no version is ${target.alias}, there is nothing to roll back`,
      {
        hint: `See what there is: npx esteira models history ${name}`,
      },
    )
  }
  const predecessor = Number(live.tags[predecessorTag(target.alias)])
  if (!Number.isInteger(predecessor) || predecessor < 1) {
    throw new EsteiraError(
      'ESTEIRA_MODEL_MISSING',
      `${name}: version ${live.version} was the first ${target.alias}, there is none before it`,
      {
        hint: `Promote another version: npx esteira models promote ${name} VERSION`,
      },
    )
  }
  return promote(registry, { ...options, version: predecessor, keepPredecessor: true })
}

/** What was promoted when and to what, newest first; of each version and alias the last time. */
export function promotions(
  versions: readonly ModelVersion[],
): { readonly version: number; readonly alias: string; readonly at: string; readonly from: string }[] {
  return versions
    .flatMap(({ version, tags }) =>
      (['staging', 'production'] as const).flatMap((alias) => {
        const at = tags[promotedTag(alias)]
        return at === undefined ? [] : [{ version, alias, at, from: tags[predecessorTag(alias)] ?? 'none' }]
      }),
    )
    .sort((a, b) => b.at.localeCompare(a.at))
}

async function missing(registry: ModelRegistry, name: string, version: number): Promise<EsteiraError> {
  const versions = (await registry.versions(name)).map((each) => each.version)
  return new EsteiraError(
    'ESTEIRA_MODEL_MISSING',
    `model ${name} has no version ${version}; it has ${versions.join(', ') || 'none'}`,
    {
      hint: `See them: npx esteira models list`,
    },
  )
}
