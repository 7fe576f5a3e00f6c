import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, type Ended, esteira, root } from '../services/esteira-command.js'
import { expectCommandRefused } from '../services/refusal.js'
import { tempHome } from '../services/temp-home.js'

/** A folder laid out like a checkout, so that the one under test stays as it is. */
const place = tempHome()
const here = { ...place, cwd: place.folder }

interface Report {
  readonly status: string
  readonly outputs: {
    readonly model: { readonly name: string; readonly version: number; readonly metrics: Record<string, number> } | null
    readonly tables: readonly string[]
  }
}

let init: Ended

beforeAll(async () => {
  mkdirSync(join(place.folder, 'projects'))
  init = await esteira(['init', 'my-shop'], here)
})

afterAll(() => place.remove())

describe('a new project', () => {
  it('is made below projects/, with sample data and the commands to try', () => {
    expect(init.code, init.stderr).toBe(0)
    expect(init.stdout).toContain('npx esteira run training --project projects/my-shop')
    const folder = join(place.folder, 'projects/my-shop')
    expect(
      readdirSync(folder)
        .filter((name) => name !== '.esteira-build')
        .sort(),
    ).toEqual(['.gitignore', 'config.yaml', 'data', 'generator.ts', 'project.ts'])
    expect(readFileSync(join(folder, 'data/orders.csv'), 'utf8').split('\n')).toHaveLength(20_002)
    for (const file of ['config.yaml', 'project.ts'])
      expect(readFileSync(join(folder, file), 'utf8')).not.toContain('__')
  })

  it('has types that hold', () => {
    symlinkSync(join(root, 'node_modules'), join(place.folder, 'node_modules'))
    writeFileSync(join(place.folder, 'package.json'), '{ "type": "module" }')
    const config = JSON.parse(readFileSync(join(root, 'projects/tsconfig.json'), 'utf8')) as { compilerOptions: object }
    const tsconfig = join(place.folder, 'projects/tsconfig.json')
    const types = { typeRoots: [join(root, 'node_modules/@types')] }
    writeFileSync(
      tsconfig,
      JSON.stringify({
        extends: join(root, 'tsconfig.base.json'),
        compilerOptions: { ...config.compilerOptions, ...types },
        include: ['*/*.ts'],
      }),
    )
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', tsconfig], { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })

  it('trains a model that passes its gates, and scores with it', async () => {
    const training = await esteira(['run', 'training', '--project', 'projects/my-shop', '--json'], here)
    expect(training.code, training.stderr).toBe(0)
    expect(training.stderr).toContain('3 of 3 gates passed → my-shop v1 is production')
    const { model } = documentOf<Report>(training).outputs
    expect(model).toMatchObject({ name: 'my-shop', version: 1 })
    // Learnable, and not by a leak.
    expect(model?.metrics['roc_auc']).toBeGreaterThan(0.7)
    expect(model?.metrics['roc_auc']).toBeLessThan(0.99)

    const inference = await esteira(['run', 'inference', '--project', 'projects/my-shop', '--json'], here)
    expect(inference.code, inference.stderr).toBe(0)
    expect(documentOf<Report>(inference).outputs.tables).toContain('predictions.my_shop')
  })
})

describe('init refuses', () => {
  it('a folder that is there already, and changes nothing in it', async () => {
    const before = readFileSync(join(place.folder, 'projects/my-shop/project.ts'), 'utf8')
    expectCommandRefused(await esteira(['init', 'my-shop'], here), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['projects/my-shop exists already; nothing was changed'],
    })
    expect(readFileSync(join(place.folder, 'projects/my-shop/project.ts'), 'utf8')).toBe(before)
  })

  it.each(['My-Shop', '../shop', 'a', '1shop'])('the name %s', async (name) => {
    expectCommandRefused(await esteira(['init', name], here), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['project name: expected 2 to 31 lower-case letters', JSON.stringify(name)],
    })
  })
})

it('a new project lies where the command is typed when there is no projects/', async () => {
  const elsewhere = join(place.folder, 'elsewhere')
  mkdirSync(elsewhere)
  const ended = await esteira(['init', 'shop'], { ...place, cwd: elsewhere })
  expect(ended.code, ended.stderr).toBe(0)
  expect(existsSync(join(elsewhere, 'shop/project.ts'))).toBe(true)
  const run = await esteira(['run', 'training', '--project', 'shop', '--only', 'ingest_raw'], {
    ...place,
    cwd: elsewhere,
  })
  expect(run.code, run.stderr).toBe(0)
})
