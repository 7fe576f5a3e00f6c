import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)
const page = await readFile(join(root, 'docs/lakehouse.md'), 'utf8')

/** The fenced blocks of one language, in order. */
function blocksOf(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block)
}

describe('docs/lakehouse.md', () => {
  let place = ''
  let scratch = ''

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'esteira-docs-'))
    // Below the checkout, where the packages are found.
    scratch = join(root, `.esteira-docs-${process.pid}`)
    await mkdir(scratch, { recursive: true })
  })
  afterAll(async () => {
    for (const folder of [place, scratch]) await rm(folder, { recursive: true, force: true })
  })

  it('shows one program, which does what the text says', async () => {
    const program = join(scratch, 'program.mjs')
    await build({
      stdin: { contents: blocksOf('ts').join('\n'), loader: 'ts', resolveDir: scratch },
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
    })
    const { stdout } = await run(process.execPath, [program], { cwd: place, maxBuffer: 1 << 26 })
    const [line = ''] = stdout.trim().split('\n').slice(-1)
    expect(JSON.parse(line)).toMatchObject({
      rowsInserted: 1,
      rowsUpdated: 1,
      orders: 600,
      compacted: { committed: true },
      would: { dryRun: true, dataFiles: expect.any(Number) },
      expired: { dryRun: false },
      orphans: { files: [], dryRun: true },
    })
  })

  it('shows commands that run as they are written', async () => {
    const commands = blocksOf('sh').flatMap((block) => block.split('\n').filter((line) => line !== ''))
    expect(commands.length).toBeGreaterThan(6)
    const home = join(place, '.esteira')
    const environment = { cwd: root, env: { ...process.env, ESTEIRA_HOME: home, NO_COLOR: '1' } }
    const bash = (command: string) => run('bash', ['-c', command], environment)
    const { stdout } = await bash('npx esteira tables snapshots lake.orders --json')
    const [oldest] = JSON.parse(stdout) as readonly { readonly snapshotId: string }[]
    for (const command of commands) {
      const written = command
        .replace('<snapshot>', oldest?.snapshotId ?? '')
        .replace('their-orders', join(home, 'lakehouse/lake/orders'))
        .replace('orders-at-a-new-place', join(place, 'orders'))
      const told = await bash(written)
      expect(`${written}: ${told.stdout.trim()}`).not.toBe(`${written}: `)
    }
  })
})
