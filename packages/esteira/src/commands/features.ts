import { EsteiraError, type FeatureView, featureHash, nearest, type ObjectStore } from '@esteira/core'
import {
  type ChangedPart,
  diffViews,
  type FeatureDiff,
  type RegisteredVersion,
  registeredVersions,
  registeredViews,
} from '@esteira/lakehouse'
import { readEnvironment } from '../environment.js'
import { loadProject } from '../load-project.js'
import { openObjects } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style, table } from '../terminal/style.js'

/** `esteira features list`: views and their versions, as they were registered. */
export async function listFeatures({ json }: { readonly json: boolean }): Promise<void> {
  const objects = await openRegistry()
  const names = await registeredViews(objects)
  const versions = (await Promise.all(names.map((name) => registeredVersions(objects, name)))).flat()
  if (json) printDocument(versions.map(asListed))
  else if (versions.length === 0) print('No view is registered yet. Run a workflow first: npm run demo')
  else {
    const rows = versions.map((each) => {
      const { features, owner, registeredAt, hash } = asListed(each)
      return [each.view, each.version, features, owner, registeredAt.slice(0, 10), hash.slice(0, 12)]
    })
    for (const line of table(['view', 'version', 'features', 'owner', 'registered', 'hash'], rows)) print(line)
  }
}

function asListed({ view, version, hash, registeredAt, definition }: RegisteredVersion) {
  const { owner = '', description = '' } = definition
  return {
    view,
    version,
    features: Object.keys(definition.features).length,
    owner,
    description,
    registeredAt: registeredAt.toISOString(),
    hash,
  }
}

/** `esteira features show VIEW [--version N]` */
export async function showFeatures(options: {
  readonly view: string
  readonly version?: number
  readonly json: boolean
}): Promise<void> {
  const found = pick(options.view, await versionsOf(options.view), options.version)
  if (options.json) {
    printDocument({ ...asListed(found), definition: found.definition })
    return
  }
  const { definition } = found
  print(`${style.bold(found.view)} version ${found.version} · ${found.hash.slice(0, 12)}`)
  if (definition.description !== '') print(definition.description)
  const facts = [
    `of ${definition.from.entity.column}, from ${definition.from.name}`,
    `entities with an event in ${definition.activeWithinDays} days`,
    ...(definition.ttlDays === undefined ? [] : [`usable for ${definition.ttlDays} days`]),
    ...(definition.owner === '' ? [] : [`owned by ${definition.owner}`]),
  ]
  print(`${facts.join(' · ')}\n`)
  const rows = Object.entries(definition.features).map(([name, { type }]) => [name, type, ruleText(definition, name)])
  for (const line of table(['feature', 'type', 'rule'], rows)) print(line)
}

function ruleText({ rules }: FeatureView, name: string): string {
  const rule = rules[name]
  if (rule === undefined) return ''
  return Object.entries(rule)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join('|') : String(value)}`)
    .join(', ')
}

/** `esteira features diff VIEW [--from N] [--to N] [--project DIR]`: two versions, or the last one and what project.ts says now. */
export async function diffFeatures(options: {
  readonly view: string
  readonly from?: number
  readonly to?: number
  readonly project?: string
  readonly json: boolean
}): Promise<void> {
  const versions = await versionsOf(options.view)
  const latest = versions.at(-1)?.version ?? 1
  const present = options.project === undefined ? undefined : await presentView(options.view, options.project)
  const fallback = present === undefined ? Math.max(1, (options.to ?? latest) - 1) : latest
  const after =
    present === undefined
      ? asSide(pick(options.view, versions, options.to ?? latest))
      : { name: 'project.ts', definition: present, hash: featureHash(present) }
  // After the other side: a version that is not there is named as it was asked for.
  const before = pick(options.view, versions, options.from ?? fallback)
  const diff = diffViews(before.definition, after.definition)
  const isSame = before.hash === after.hash
  if (options.json)
    printDocument({ view: options.view, from: asSide(before).name, to: after.name, same: isSame, ...diff })
  else printDiff(`${options.view}: ${asSide(before).name} → ${after.name}`, diff, isSame)
}

function asSide({ version, definition, hash }: RegisteredVersion) {
  return { name: `version ${version}`, definition, hash }
}

async function presentView(view: string, folder: string): Promise<FeatureView> {
  const { definition } = await loadProject(folder)
  if (definition.view.name === view) return definition.view
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `the project in ${folder} has no view ${view}; it has ${definition.view.name}`,
  )
}

function printDiff(title: string, diff: FeatureDiff, isSame: boolean): void {
  print(style.bold(title))
  for (const name of diff.added) print(style.green(`+ ${name}`))
  for (const name of diff.removed) print(style.red(`- ${name}`))
  for (const { feature, how } of diff.changed) print(style.yellow(`~ ${feature}: ${how.join('; ')}`))
  for (const part of [...diff.definition, ...diff.about]) print(style.yellow(`~ ${partText(part)}`))
  if (isSame) print('The same values: one version.')
  else print(style.dim('Other values: a version of its own; rows of both can live in the table.'))
}

function partText({ part, before, after }: ChangedPart): string {
  return `${part}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`
}

async function openRegistry(): Promise<ObjectStore> {
  return openObjects(readEnvironment(), () => {
    throw new EsteiraError('ESTEIRA_INTERNAL', 'the registry of views needs no local copies')
  })
}

async function versionsOf(view: string): Promise<readonly RegisteredVersion[]> {
  const objects = await openRegistry()
  const versions = await registeredVersions(objects, view)
  if (versions.length > 0) return versions
  const names = await registeredViews(objects)
  const near = nearest(view, names)
  throw new EsteiraError('ESTEIRA_NO_DATA', `there is no view ${view}; there are ${names.join(', ') || 'none'}`, {
    hint: near === undefined ? 'See them: npx esteira features list' : `Did you mean ${near}?`,
  })
}

function pick(view: string, versions: readonly RegisteredVersion[], version?: number): RegisteredVersion {
  const found = version === undefined ? versions.at(-1) : versions.find((each) => each.version === version)
  if (found !== undefined) return found
  throw new EsteiraError(
    'ESTEIRA_NO_DATA',
    `view ${view} has no version ${version}; it has ${versions.map((each) => each.version).join(', ')}`,
  )
}
