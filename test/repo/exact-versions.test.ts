import { describe, expect, it } from 'vitest'
import { packageNames, readPackageJson, readText } from './repository.js'

const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/
const manifests = ['package.json', ...packageNames().map((name) => `packages/${name}/package.json`)]

interface LockEntry {
  readonly version?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const lock = JSON.parse(readText('package-lock.json')) as {
  readonly lockfileVersion: number
  readonly packages: Readonly<Record<string, LockEntry>>
}

describe.each(manifests)('%s', (path) => {
  const manifest = readPackageJson(path)
  const folder = path.replace(/\/?package\.json$/, '')

  it('names exact versions', () => {
    const groups = [
      manifest.dependencies,
      manifest.devDependencies,
      manifest.peerDependencies,
      manifest.optionalDependencies,
    ]
    const loose = groups.flatMap((group) => Object.entries(group ?? {}).filter(([, version]) => !EXACT.test(version)))
    expect(loose).toEqual([])
  })

  it('agrees with the lock file', () => {
    const entry = lock.packages[folder]
    expect(entry?.dependencies ?? {}).toEqual(manifest.dependencies ?? {})
    expect(entry?.devDependencies ?? {}).toEqual(manifest.devDependencies ?? {})
  })

  it('is installed at the versions it names', () => {
    const named = { ...manifest.dependencies, ...manifest.devDependencies }
    const other = Object.entries(named).filter(([name, version]) => {
      const entry = lock.packages[`${folder}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`]
      return entry?.link === true ? false : entry?.version !== version
    })
    expect(other).toEqual([])
  })
})

describe('package-lock.json', () => {
  it('is of the version that npm of Node 20 reads', () => {
    expect(lock.lockfileVersion).toBe(3)
  })

  it('names no place but the public registry', () => {
    const places = Object.entries(lock.packages)
      .filter(([, { link }]) => link !== true)
      .flatMap(([, { resolved }]) => (resolved === undefined ? [] : [resolved]))
    expect(places.filter((place) => !place.startsWith('https://registry.npmjs.org/'))).toEqual([])
  })
})

it.each(['requirements', 'constraints'])('pins the Python packages of the tests in %s.txt', (name) => {
  const lines = readText(`test/services/${name}.txt`)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.filter((line) => !/^[\w.-]+(\[[\w,-]+\])?==\d+(\.\w+)*( ; .+)?$/.test(line))).toEqual([])
})
