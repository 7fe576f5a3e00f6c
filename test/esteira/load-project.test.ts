import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadProject } from 'esteira'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tinyFolder } from './tiny-home.js'

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

  it('uses the build again while nothing has changed', async () => {
    const first = await loadProject(folder)
    expect((await loadProject(folder)).definition).toBe(first.definition)
  })
})
