import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

/** The fenced blocks of one language, in order. */
function blocksOf(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block)
}

const readme = await readFile(join(root, 'README.md'), 'utf8')
const commands = blocksOf(readme, 'sh')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line !== '' && line !== 'npm test')
const programs = blocksOf(readme, 'ts')

describe('the README', () => {
  let home = ''
  let scratch = ''
  /** In place of `my-project`, which may be somebody's. */
  const ownName = `readme-${process.pid}`
  const ownProject = join(root, 'projects', ownName)

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'esteira-readme-'))
    scratch = join(root, `.esteira-readme-${process.pid}`)
    await mkdir(scratch, { recursive: true })
    await writeFile(join(home, 'customers.csv'), customersCsv())
  })
  afterAll(async () => {
    for (const folder of [home, scratch, ownProject]) await rm(folder, { recursive: true, force: true })
  })

  /** The command as written, in its own home; the files it leaves go to a temporary folder. */
  async function runAsWritten(command: string): Promise<{ stdout: string; stderr: string }> {
    const written = command
      .replace('customers.csv', join(home, 'customers.csv'))
      .replace('build/churn', join(home, 'asl'))
      .replaceAll('my-project', ownName)
    return run('bash', ['-c', written], {
      cwd: root,
      env: { ...process.env, ESTEIRA_HOME: join(home, 'state'), NO_COLOR: '1' },
      maxBuffer: 1 << 26,
    })
  }

  it('names commands that the tests can run', () => {
    expect(commands[0]).toBe('npm run demo')
    expect(commands.length).toBeGreaterThan(8)
  })

  it.each(commands)('%s', async (command) => {
    const { stdout } = await runAsWritten(command)
    expect(stdout.trim()).not.toBe('')
  })

  it('has a project that loads', async () => {
    const [program = ''] = programs
    const folder = join(scratch, 'project')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'project.ts'), program)
    await writeFile(join(folder, 'config.yaml'), await readFile(join(root, 'projects/churn/config.yaml'), 'utf8'))
    const { loadProject } = await import('esteira')
    const project = await loadProject(folder)
    expect(Object.keys(project.definition.view.features)).toContain('avg_order_value_30d')
  })

  it('has a library example that runs on what the demo made', async () => {
    const program = programs[1] ?? ''
    const entry = join(scratch, 'example.ts')
    const out = join(scratch, 'example.mjs')
    await writeFile(entry, program)
    await build({
      entryPoints: [entry],
      outfile: out,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
    })
    const { stdout } = await run(process.execPath, [out], {
      cwd: root,
      env: { ...process.env, ESTEIRA_HOME: join(home, 'state') },
    })
    expect(stdout).toMatch(/^0\.\d+ Int32Array\(\d+\)/)
    expect(stdout).toMatch(/Float64Array\(\d+\)/)
  })
})

/** A small ready table that can be learnt from. */
function customersCsv(): string {
  const lines = ['customer_key,visits,plan,spend,churned']
  for (let row = 0; row < 600; row++) {
    const visits = (row * 7919) % 23
    const isLeaving = visits < 8 ? row % 4 !== 0 : row % 5 === 0
    lines.push(
      `k-${row},${visits},${['basic', 'plus'][row % 2]},${row % 11 === 0 ? ' ' : (row * 31) % 97},${isLeaving ? 'yes' : 'no'}`,
    )
  }
  return `${lines.join('\n')}\n`
}
