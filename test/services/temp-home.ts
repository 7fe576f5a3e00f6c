import { cpSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { esteira, root } from './esteira-command.js'

export interface TempHome {
  /** `ESTEIRA_HOME` of the commands. */
  readonly home: string
  /** A folder beside it for the test's own files. */
  readonly folder: string
  readonly env: { readonly ESTEIRA_HOME: string }
  remove(): Promise<void>
}

/** A new empty place for local state. */
export function tempHome(): TempHome {
  const folder = mkdtempSync(join(tmpdir(), 'esteira-e2e-'))
  const home = join(folder, 'home')
  return { home, folder, env: { ESTEIRA_HOME: home }, remove: () => rm(folder, { recursive: true, force: true }) }
}

export const RUN_DATE = '2026-01-01'

/** Raw bookings of projects/churn that end at {@link RUN_DATE}; the path of the file. */
export async function generateBookings({ folder, env }: TempHome, rows: number, seed = 7): Promise<string> {
  const out = join(folder, `bookings-${rows}-${seed}`)
  const flags = ['--rows', String(rows), '--seed', String(seed), '--until', RUN_DATE, '--out', out]
  const { code, stdout, stderr } = await esteira(['generate', '--project', 'projects/churn', ...flags], { env })
  if (code !== 0) throw new Error(`generate ended with ${code}:\n${stderr}`)
  return stdout.trim()
}

/** A copy of projects/churn in which texts of its files are replaced. */
export function churnCopy(
  { folder }: TempHome,
  name: string,
  edits: { readonly [file: string]: (text: string) => string } = {},
): string {
  const copy = join(folder, name)
  for (const file of ['config.yaml', 'project.ts', 'generator.ts']) {
    cpSync(join(root, 'projects/churn', file), join(copy, file))
    const edit = edits[file]
    if (edit === undefined) continue
    const before = readFileSync(join(copy, file), 'utf8')
    const after = edit(before)
    if (after === before) throw new Error(`the edit of ${file} changes nothing`)
    writeFileSync(join(copy, file), after)
  }
  return copy
}

/**
 * Every file of the tables and of the registry with its size: equal before and after means that nothing was committed and
 * nothing half written is left. Results of steps, staged files and reports are a run's own.
 */
export function tableFiles({ home }: Pick<TempHome, 'home'>): string[] {
  const files = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? files(path) : [`${relative(home, path)} ${statSync(path).size}`]
    })
  return ['lakehouse', 'mlartifacts']
    .flatMap((part) => {
      try {
        return files(join(home, part))
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
        throw error
      }
    })
    .sort()
}
