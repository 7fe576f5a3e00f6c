import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as core from '@esteira/core'
import * as front from 'esteira'
import { loadProject } from 'esteira'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tinyFolder } from './tiny-home.js'

it('means by a word of the front what core means by it', () => {
  const shared = Object.entries(front).filter(([name]) => name in core)
  expect(shared.length).toBeGreaterThan(20)
  for (const [name, value] of shared) expect(value, name).toBe(Reflect.get(core, name))
  expect(front.z).toBe(z)
})

describe('loadProject', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'esteira project with spaces '))
    await cp(tinyFolder, folder, { recursive: true, filter: (path) => !path.includes('.esteira-build') })
    await mkdir(join(folder, 'lib'))
    await writeFile(join(folder, 'lib/seed.ts'), 'export const seed = 1\n')
    const project = await readFile(join(folder, 'project.ts'), 'utf8')
    const seeded = `import { seed } from './lib/seed.js'\n${project.replace('seed: 7', 'seed')}`
    await writeFile(join(folder, 'project.ts'), seeded)
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('builds again when a file that project.ts imports has changed, in whatever folder it lies', async () => {
    expect((await loadProject(folder)).definition.seed).toBe(1)
    await writeFile(join(folder, 'lib/seed.ts'), 'export const seed = 2\n')
    expect((await loadProject(folder)).definition.seed).toBe(2)
  })

  it('takes each name from the package that has it, so that a step does not load what a project does not use', async () => {
    await loadProject(folder)
    expect((await importsOfBuild()).map((path) => path.replace(/.*\/(packages|node_modules)\//, ''))).toEqual([
      'core/dist/index.js',
    ])
    const project = await readFile(join(folder, 'project.ts'), 'utf8')
    const more = "import { evaluateBinary, z } from 'esteira'\nif (!z.string || !evaluateBinary) throw new Error()\n"
    await writeFile(join(folder, 'project.ts'), more + project)
    expect((await loadProject(folder)).definition.seed).toBe(1)
    expect(await importsOfBuild()).toHaveLength(3)
  })

  it('names a word that the library does not have', async () => {
    const project = await readFile(join(folder, 'project.ts'), 'utf8')
    await writeFile(join(folder, 'project.ts'), `import { windws } from 'esteira'\nwindws()\n${project}`)
    await expect(loadProject(folder)).rejects.toMatchObject({
      code: 'ESTEIRA_PROJECT',
      message: expect.stringMatching(/project\.ts, line 1: .*"windws"/),
    })
  })

  async function importsOfBuild(): Promise<string[]> {
    const builds = join(folder, '.esteira-build')
    const [built = ''] = (await readdir(builds)).filter((name) => name.endsWith('.mjs'))
    return [...(await readFile(join(builds, built), 'utf8')).matchAll(/^import .* from "(.*)";$/gm)].map(
      ([, path = '']) => path,
    )
  }

  it('uses the build again while nothing has changed', async () => {
    const first = await loadProject(folder)
    expect((await loadProject(folder)).definition).toBe(first.definition)
  })
})
