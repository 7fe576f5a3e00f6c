import { randomUUID } from 'node:crypto'
import { type Commit, EsteiraError, type Lakehouse } from '@esteira/core'
import { readEnvironment } from '../environment.js'
import { openLakehouse } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style, table } from '../terminal/style.js'

const MEGABYTE = 1024 * 1024
const SHOWN_FILES = 20

interface Target {
  readonly name: string
  readonly json: boolean
}

/** `esteira tables expire NAME` */
export async function expireTable(
  options: Target & { readonly keepLast?: number; readonly olderThan?: string; readonly dryRun: boolean },
): Promise<void> {
  const { name, keepLast, olderThan, dryRun } = options
  const result = await withLakehouse((lakehouse) =>
    lakehouse.expire(name, {
      dryRun,
      ...(keepLast === undefined ? {} : { keepLast }),
      ...(olderThan === undefined ? {} : { olderThan: parseAge(olderThan, new Date()) }),
    }),
  )
  if (options.json) return printDocument({ table: name, ...result })
  const { snapshots, dataFiles, metadataFiles, sizeBytes } = result
  if (snapshots.length === 0) return print(`${name}: no snapshot is old enough to expire.`)
  const [went, files] = dryRun ? ['would expire', 'would go'] : ['expired', 'went']
  print(`${name}: ${counted(snapshots.length, 'snapshot')} ${went}.`)
  print(
    `${counted(dataFiles, 'data file')} and ${counted(metadataFiles, 'metadata file')} ${files}, ${size(sizeBytes)}.`,
  )
  if (dryRun) print(style.dim('Nothing was changed. Run it without --dry-run to do it.'))
}

/** `esteira tables compact NAME` */
export async function compactTable(options: Target & { readonly targetMb?: number }): Promise<void> {
  const { name, targetMb } = options
  const target = targetMb === undefined ? {} : { targetBytes: targetMb * MEGABYTE }
  const result = await withLakehouse((lakehouse) => lakehouse.compact(name, target, newCommit('compact')))
  if (options.json) return printDocument({ table: name, ...result })
  if (!result.committed)
    return print(`${name}: nothing to do, its files are as they should be (${result.filesBefore}).`)
  const { filesBefore, filesAfter, manifestsBefore, manifestsAfter } = result
  const onlyManifests = filesBefore === filesAfter && result.bytesBefore === result.bytesAfter
  const bytes = `${size(result.bytesBefore)} became ${size(result.bytesAfter)}`
  if (onlyManifests)
    print(`${name}: its files stay (${filesBefore}), ${manifestsBefore} manifests became ${manifestsAfter}.`)
  else print(`${name}: ${counted(filesBefore, 'file')} became ${filesAfter}, ${bytes}.`)
  if (result.deleteFilesRemoved > 0) print(`${counted(result.deleteFilesRemoved, 'delete file')} applied for good.`)
  print(style.dim(`The old files go when their snapshots expire: npx esteira tables expire ${name}`))
}

/** `esteira tables remove-orphans NAME` */
export async function removeOrphans(
  options: Target & { readonly olderThan: string; readonly delete: boolean },
): Promise<void> {
  const { name, olderThan } = options
  const before = parseAge(olderThan, new Date())
  const result = await withLakehouse((lakehouse) =>
    lakehouse.removeOrphans(name, { olderThan: before, dryRun: !options.delete }),
  )
  if (options.json) return printDocument({ table: name, ...result })
  const { files, sizeBytes, dryRun } = result
  if (files.length === 0)
    return print(`${name}: there is no orphan that was last changed before ${before.toISOString()}.`)
  const rows = files
    .slice(0, SHOWN_FILES)
    .map(({ path, sizeBytes: bytes, changedAt }) => [path, size(bytes), changedAt.toISOString().slice(0, 16)])
  for (const line of table(['file', 'size', 'changed'], rows, { right: ['size'] })) print(line)
  if (files.length > SHOWN_FILES) print(`… and ${files.length - SHOWN_FILES} more (--json lists all)`)
  print(`\n${counted(files.length, 'file')} that nothing needs, ${size(sizeBytes)}${dryRun ? '' : ': removed'}.`)
  if (dryRun) print(style.dim('Nothing was removed. Run it with --delete to remove them.'))
}

/** `esteira tables relocate NAME FOLDER` */
export async function relocateTable(
  options: Target & { readonly folder: string; readonly keepOld: boolean },
): Promise<void> {
  const { name, folder, keepOld } = options
  const result = await withLakehouse((lakehouse) => lakehouse.relocate(name, folder, { keepOld }))
  if (options.json) return printDocument({ table: name, ...result })
  if (!result.committed) return print(`${name} lies at ${result.to} already.`)
  print(`${name}: ${counted(result.files, 'file')}, ${size(result.sizeBytes)}, now at ${result.to}`)
  print(keepOld ? `The old files stay at ${result.from}` : `Nothing of it is left at ${result.from}`)
}

/** `esteira tables rollback NAME SNAPSHOT` */
export async function rollbackTable(
  options: Target & { readonly snapshotId: string; readonly force: boolean },
): Promise<void> {
  const { name, snapshotId, force } = options
  const { result, rowCount } = await withLakehouse(async (lakehouse) => {
    const made = await lakehouse.rollback(name, snapshotId, newCommit('rollback'), { force })
    return { result: made, rowCount: (await lakehouse.table(name))?.rowCount ?? 0 }
  })
  if (options.json) return printDocument({ table: name, ...result, rowCount })
  const rows = `${rowCount.toLocaleString('en-US')} rows`
  print(
    result.committed
      ? `${name} is as snapshot ${snapshotId} was: ${rows}.`
      : `${name} stands at snapshot ${snapshotId} already: ${rows}.`,
  )
  if (result.committed)
    print(style.dim(`The later snapshots stay readable until they expire: npx esteira tables snapshots ${name}`))
}

/** `esteira tables tag NAME [TAG]` */
export async function tagTable(
  options: Target & { readonly tag?: string; readonly snapshot?: string; readonly drop: boolean },
): Promise<void> {
  const { name, tag, snapshot, drop } = options
  if (tag === undefined) return listRefs(options)
  if (drop) {
    const dropped = await withLakehouse((lakehouse) => lakehouse.dropRef(name, tag))
    if (options.json) return printDocument({ table: name, tag, dropped })
    return print(dropped ? `${name} has no tag ${tag} any more.` : `${name} has no tag ${tag}.`)
  }
  const given = snapshot === undefined ? {} : { snapshotId: snapshot }
  const ref = await withLakehouse((lakehouse) => lakehouse.tag(name, tag, given))
  if (options.json) return printDocument({ table: name, ...ref })
  print(`${name}: ${tag} is snapshot ${ref.snapshotId}, and stays until the tag is dropped.`)
}

async function listRefs({
  name,
  json,
  drop,
  snapshot,
}: Target & { readonly drop: boolean; readonly snapshot?: string }): Promise<void> {
  if (drop || snapshot !== undefined) {
    throw new EsteiraError('ESTEIRA_USAGE', 'tables tag: --drop and --snapshot need the name of a tag', {
      hint: `For example: npx esteira tables tag ${name} audited-2026-01`,
    })
  }
  const refs = await withLakehouse((lakehouse) => lakehouse.refs(name))
  if (json) return printDocument(refs)
  if (refs.length === 0) return print(`${name} has no snapshot yet.`)
  const rows = refs.map((ref) => [ref.name, ref.type, ref.snapshotId])
  for (const line of table(['name', 'kind', 'snapshot'], rows)) print(line)
}

async function withLakehouse<T>(use: (lakehouse: Lakehouse) => Promise<T>): Promise<T> {
  const lakehouse = await openLakehouse(readEnvironment())
  try {
    return await use(lakehouse)
  } finally {
    await lakehouse.close()
    await lakehouse.engine.close()
  }
}

function newCommit(what: string): Commit {
  return { commitId: `${what}-${randomUUID()}`, runId: 'esteira-tables' }
}

/** The time that an age or a date stands for. @throws EsteiraError ESTEIRA_USAGE */
export function parseAge(text: string, now: Date): Date {
  const age = /^(\d{1,6})([dhm])$/.exec(text)
  if (age !== null) {
    const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000 }[age[2] as 'd' | 'h' | 'm']
    return new Date(now.getTime() - Number(age[1]) * unitMs)
  }
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined
  if (day !== undefined && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)) return day
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `--older-than: expected an age such as 30d, 12h or 45m, or YYYY-MM-DD, found "${text}"`,
    {
      hint: 'For example --older-than 30d: everything that is older than 30 days.',
    },
  )
}

function counted(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`
}

function size(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
