import { EsteiraError, MODEL_STAGES, type ModelRegistry, type ModelStage, type ModelVersion } from '@esteira/core'

/** A way to name a version of a registered model. */
export type ModelReference =
  | { readonly kind: 'alias'; readonly name: string; readonly alias: string }
  | { readonly kind: 'stage'; readonly name: string; readonly stage: ModelStage }
  | { readonly kind: 'version'; readonly name: string; readonly version: number }
  | { readonly kind: 'latest'; readonly name: string }

/**
 * Reads `churn@production`, `churn/Production`, `churn/3` or `churn/latest`, with or without `models:/` in front.
 * Stages may be in any case; `latest` is the version of the highest number.
 * @throws ESTEIRA_USAGE for anything else.
 * @example
 * parseModelReference('models:/churn@production') // { kind: 'alias', name: 'churn', alias: 'production' }
 */
export function parseModelReference(reference: string): ModelReference {
  const text = reference.replace(/^models:\/+/, '')
  const byAlias = /^(?<name>[^/:]+)@(?<alias>[\w-]+)$/.exec(text)?.groups
  if (byAlias?.['name'] !== undefined && byAlias['alias'] !== undefined) {
    return { kind: 'alias', name: byAlias['name'], alias: byAlias['alias'] }
  }
  const byPath = /^(?<name>[^/:]+)\/(?<which>[^/]+)$/.exec(text)?.groups
  const { name, which } = byPath ?? {}
  if (name !== undefined && which !== undefined) {
    if (/^[1-9]\d*$/.test(which)) return { kind: 'version', name, version: Number(which) }
    if (which.toLowerCase() === 'latest') return { kind: 'latest', name }
    const stage = MODEL_STAGES.find((candidate) => candidate.toLowerCase() === which.toLowerCase())
    if (stage !== undefined) return { kind: 'stage', name, stage }
  }
  throw new EsteiraError('ESTEIRA_USAGE', `${JSON.stringify(reference)} names no model version`, {
    hint: `Write NAME@ALIAS, NAME/VERSION, NAME/latest or NAME/STAGE (${MODEL_STAGES.join(', ')}), e.g. churn@production.`,
    details: { reference },
  })
}

/**
 * The version that a reference means now.
 * @throws ESTEIRA_MODEL_MISSING that lists the versions and aliases there are; ESTEIRA_USAGE for an unreadable reference.
 */
export async function resolveModel(registry: ModelRegistry, reference: string | ModelReference): Promise<ModelVersion> {
  const parsed = typeof reference === 'string' ? parseModelReference(reference) : reference
  const found = await findVersion(registry, parsed)
  if (found !== undefined) return found
  throw await referenceMissing(registry, parsed)
}

async function findVersion(registry: ModelRegistry, reference: ModelReference): Promise<ModelVersion | undefined> {
  switch (reference.kind) {
    case 'alias':
      return registry.versionByAlias(reference.name, reference.alias)
    case 'version':
      return registry.getVersion(reference.name, reference.version)
    case 'latest':
      return (await registry.versions(reference.name)).at(-1)
    case 'stage':
      return (await registry.versions(reference.name)).findLast((version) => version.stage === reference.stage)
  }
}

async function referenceMissing(registry: ModelRegistry, reference: ModelReference): Promise<EsteiraError> {
  const { name } = reference
  const details = { ...reference }
  const versions = await registry.versions(name)
  if (versions.length === 0) {
    const names = await registry.modelNames()
    const others = names.length === 0 ? 'the registry is empty' : `there are: ${shorten(names)}`
    return new EsteiraError('ESTEIRA_MODEL_MISSING', `model ${name} has no version; ${others}`, {
      hint: 'Train and register it first: npx esteira run training --project DIR, or npm run train -- … --register',
      details,
    })
  }
  const message = `model ${name} has no ${describe(reference)}; it has ${shorten(versions.map(describeVersion).reverse())}`
  return new EsteiraError('ESTEIRA_MODEL_MISSING', message, {
    hint:
      reference.kind === 'version'
        ? 'Name one of these versions.'
        : `Name one of these, or promote a version: npx esteira models promote ${name} ${versions.at(-1)?.version}`,
    details: { ...details, versions: versions.map(({ version, aliases, stage }) => ({ version, aliases, stage })) },
  })
}

function describe(reference: ModelReference): string {
  switch (reference.kind) {
    case 'alias':
      return `alias ${reference.alias}`
    case 'version':
      return `version ${reference.version}`
    case 'stage':
      return `version in stage ${reference.stage}`
    case 'latest':
      return 'version'
  }
}

function describeVersion({ version, aliases, stage }: ModelVersion): string {
  const marks = [...aliases.map((alias) => `@${alias}`), ...(stage === 'None' ? [] : [stage])]
  return marks.length === 0 ? `version ${version}` : `version ${version} (${marks.join(', ')})`
}

function shorten(items: readonly string[]): string {
  return items.slice(0, 5).join(', ') + (items.length > 5 ? `, … (${items.length} in all)` : '')
}
