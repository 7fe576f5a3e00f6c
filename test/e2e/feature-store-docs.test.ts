import { execFile } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira, root } from '../services/esteira-command.js'
import { expectCommandRefused } from '../services/refusal.js'
import { churnCopy, generateBookings, RUN_DATE, tempHome } from '../services/temp-home.js'

const run = promisify(execFile)
const page = await readFile(join(root, 'docs/feature-store.md'), 'utf8')

/** The fenced blocks of one language, in order. */
function blocksOf(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block)
}

const commands = blocksOf('sh').flatMap((block) => block.split('\n').filter((line) => line !== ''))

interface Backfilled {
  readonly published: readonly string[]
  readonly thereAlready: readonly string[]
  readonly rows: number
}

describe('docs/feature-store.md', () => {
  const place = tempHome()
  // Below the checkout, where the packages are found.
  const scratch = join(root, `.esteira-feature-docs-${process.pid}`)

  beforeAll(async () => {
    await mkdir(scratch, { recursive: true })
    const source = await generateBookings(place, 20_000)
    const flags = ['--project', 'projects/churn', '--run-date', RUN_DATE, '--source', source]
    for (const step of ['ingest_raw', 'process_silver']) {
      const { code, stderr } = await esteira(['run', 'training', ...flags, '--only', step], { env: place.env })
      expect(code, stderr).toBe(0)
    }
  })
  afterAll(async () => {
    await place.remove()
    await rm(scratch, { recursive: true, force: true })
  })

  it('shows commands that run as they are written', async () => {
    expect(commands).toHaveLength(5)
    const environment = { cwd: root, env: { ...process.env, ...place.env, NO_COLOR: '1' } }
    for (const command of commands) {
      const { stdout } = await run('bash', ['-c', command], environment)
      expect(`${command}: ${stdout.trim()}`).not.toBe(`${command}: `)
      if (command.includes('diff')) expect(stdout).toContain('The same values: one version.')
    }
  })

  it('shows programs that run on what the commands made', async () => {
    const outputs: string[] = []
    for (const [index, program] of blocksOf('ts').entries()) {
      const outfile = join(scratch, `program-${index}.mjs`)
      const stdin = { contents: program, loader: 'ts', resolveDir: scratch } as const
      await build({ stdin, outfile, bundle: true, packages: 'external', platform: 'node', format: 'esm' })
      const { stdout } = await run(process.execPath, [outfile], { cwd: root, env: { ...process.env, ...place.env } })
      outputs.push(stdout)
    }
    expect(outputs).toHaveLength(2)
    const [, rows = 0, matched, expired, unmatched] =
      /^[0-9a-f]{64} (\d+) (\d+) (\d+) (\d+)\n/.exec(outputs[0] ?? '')?.map(Number) ?? []
    expect(rows).toBeGreaterThan(100)
    expect(Number(matched) + Number(expired) + Number(unmatched)).toBe(rows)
    expect(outputs[0]).toContain("'_customer_features_feature_date'")
    expect(outputs[1]).toBe('2\n')
  })

  it('backfills once, and says what there was already', async () => {
    const backfill = [
      'features',
      'backfill',
      '--project',
      'projects/churn',
      '--from',
      '2025-05-01',
      '--to',
      '2025-06-30',
      '--json',
    ]
    const first = await esteira(backfill, { env: place.env })
    expect(documentOf<Backfilled>(first)).toMatchObject({ published: ['2025-05-01'], thereAlready: ['2025-06-01'] })
    expect(first.stderr).toContain('1/2  2025-06-01  there already')
    expect(documentOf<Backfilled>(await esteira(backfill, { env: place.env }))).toMatchObject({
      published: [],
      rows: 0,
    })
  })

  it('refuses what cannot be, and shows what a changed project would change', async () => {
    const refused = async (args: readonly string[], code: string, says: readonly string[]) =>
      expectCommandRefused(await esteira(['features', ...args], { env: place.env }), {
        exit: code === 'ESTEIRA_NO_DATA' ? 65 : 64,
        code,
        says,
      })
    await refused(['show', 'customer_feature'], 'ESTEIRA_NO_DATA', ['Did you mean customer_features?'])
    await refused(['diff', 'customer_features', '--to', '9'], 'ESTEIRA_NO_DATA', ['has no version 9; it has 1'])
    const range = ['backfill', '--project', 'projects/churn', '--from', '2025-02-30', '--to', '2025-03-01']
    await refused(range, 'ESTEIRA_USAGE', ['--from: expected a day YYYY-MM-DD, found "2025-02-30"'])
    const edited = churnCopy(place, 'edited', {
      'project.ts': (text) =>
        text.replace('mode(transactions.category, { days: 90 })', 'mode(transactions.category, { days: 60 })'),
    })
    const diff = await esteira(['features', 'diff', 'customer_features', '--against', edited, '--json'], {
      env: place.env,
    })
    expect(documentOf<object>(diff)).toMatchObject({
      same: false,
      added: [],
      removed: [],
      changed: [{ feature: 'preferred_category', how: ['window: 90 days → 60 days'] }],
    })
  })
})
