import { existsSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageNames, readPackageJson, readText, root, sourceFiles } from './repository.js'
import { type Import, importsOf, packageOf } from './source-text.js'

const pipelineMayImport = ['core', 'statistics', 'lakehouse', 'mlflow', 'models']

/** Who may import whom. The four pipelines never import each other: they meet only in the stores. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  statistics: ['core'],
  lakehouse: ['core'],
  mlflow: ['core'],
  models: ['core', 'statistics'],
  'feature-pipeline': pipelineMayImport,
  'training-pipeline': pipelineMayImport,
  'inference-pipeline': pipelineMayImport,
  monitoring: pipelineMayImport,
  deploy: ['core'],
  esteira: [
    ...pipelineMayImport,
    'feature-pipeline',
    'training-pipeline',
    'inference-pipeline',
    'monitoring',
    'deploy',
  ],
}

/** Cost too much at start-up to be loaded before they are needed. */
const LAZY =
  /^(@duckdb\/node-api|libsql|koffi|@tensorflow\/.+|undici|@polyglot-sql\/sdk|apache-arrow|esbuild|ml-random-forest|onnxruntime-.+|@aws-sdk\/.+)$/

const names = packageNames()

/** `core` for `@esteira/core`, `esteira` for `esteira`. */
function ownPackage(specifier: string): string | undefined {
  if (specifier.startsWith('@esteira/')) return specifier.split('/')[1]
  return packageOf(specifier) === 'esteira' ? 'esteira' : undefined
}

function importsIn(folder: string): readonly (Import & { readonly file: string })[] {
  return sourceFiles(folder).flatMap((file) => importsOf(readText(file)).map((found) => ({ file, ...found })))
}

/** The path a relative specifier leads to, in the repository. */
function target(file: string, specifier: string): string {
  return normalize(join(file, '..', specifier))
}

it('names every package of the workspace in the table', () => {
  expect([...names].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

describe.each(names)('packages/%s', (name) => {
  const allowed = MAY_IMPORT[name] ?? []
  const found = importsIn(`packages/${name}/src`)
  const manifest = readPackageJson(`packages/${name}/package.json`)

  it('imports only the packages it may import', () => {
    const wrong = found.filter(({ specifier }) => {
      const own = ownPackage(specifier)
      return own !== undefined && !allowed.includes(own)
    })
    expect(wrong).toEqual([])
  })

  it('stays inside its own sources, and enters other packages only by their front', () => {
    const wrong = found.filter(({ file, specifier }) => {
      if (specifier.startsWith('.')) return !target(file, specifier).startsWith(`packages/${name}/src/`)
      return specifier.startsWith('@esteira/') ? specifier.split('/').length > 2 : /^esteira\/.+/.test(specifier)
    })
    expect(wrong).toEqual([])
  })

  it('declares every package it imports', () => {
    const declared = [manifest.dependencies, manifest.peerDependencies].flatMap((group) => Object.keys(group ?? {}))
    const undeclared = found.filter(({ specifier }) => {
      const used = packageOf(specifier)
      return used !== undefined && !isBuiltin(used) && !declared.includes(used)
    })
    expect(undeclared).toEqual([])
  })

  it('declares in package.json and in tsconfig.json the same packages of ours, all of them allowed', () => {
    const declared = Object.keys(manifest.dependencies ?? {})
      .map(ownPackage)
      .filter((own) => own !== undefined)
    const config = JSON.parse(readText(`packages/${name}/tsconfig.json`)) as { references: { path: string }[] }
    const referenced = config.references.map(({ path }) => path.replace('../', ''))
    expect([...referenced].sort()).toEqual([...declared].sort())
    expect(declared.filter((own) => !allowed.includes(own))).toEqual([])
  })

  it('loads heavy libraries only when they are needed', () => {
    const eager = found.filter(({ specifier, kind }) => kind === 'static' && LAZY.test(packageOf(specifier) ?? ''))
    expect(eager).toEqual([])
  })

  it('has a front of explicit names', () => {
    const front = readText(`packages/${name}/src/index.ts`)
    expect(front).not.toMatch(/export\s+(type\s+)?\*/)
    expect(front).not.toMatch(/export\s+default|\bas\s+default\b/)
  })

  it('can be required from CommonJS and does nothing when it is imported', () => {
    expect(manifest.sideEffects).toBe(false)
    expect(manifest.exports?.['.']).toEqual({ types: './dist/index.d.ts', default: './dist/index.js' })
  })
})

describe.each([
  // A step loads its own pipeline only: the front of everything costs a tenth of a second more.
  ['steps', /^(esteira|esteira\/step|@esteira\/(feature-pipeline|training-pipeline|inference-pipeline|monitoring))$/],
  ['projects', /^esteira$/],
] as const)('%s', (folder, allowed) => {
  it(`imports nothing of ours but ${allowed.source}`, () => {
    const wrong = importsIn(folder).filter(({ file, specifier }) => {
      if (specifier.startsWith('.')) return !target(file, specifier).startsWith(`${folder}/`)
      const used = packageOf(specifier)
      return used !== undefined && !isBuiltin(used) && !allowed.test(specifier)
    })
    expect(wrong).toEqual([])
  })
})

it('keeps each project in its own folder', () => {
  const wrong = importsIn('projects').filter(({ file, specifier }) => {
    const project = file.split('/').slice(0, 2).join('/')
    return specifier.startsWith('.') && !target(file, specifier).startsWith(`${project}/`)
  })
  expect(wrong).toEqual([])
})

it('sees the sources of every package', () => {
  for (const name of names) {
    expect(existsSync(join(root, 'packages', name, 'src', 'index.ts'))).toBe(true)
    expect(sourceFiles(`packages/${name}/src`)).toContain(`packages/${name}/src/index.ts`)
  }
})
