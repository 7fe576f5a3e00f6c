import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { EsteiraError } from '@esteira/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeFileError } from '../../packages/lakehouse/src/object-store/describe-file-error.js'
import { openLocalObjectStore } from '../../packages/lakehouse/src/object-store/local-object-store.js'

describe('local object store', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'esteira-local-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('makes its folder at the first write and keeps the file at the key', async () => {
    const store = openLocalObjectStore(join(folder, 'new', 'objects'))
    expect(await store.list('')).toEqual([])
    expect(await readdir(folder)).toEqual([])
    await store.put('a/b.txt', 'x')
    expect(store.locate('a/b.txt')).toBe(resolve(folder, 'new/objects/a/b.txt'))
    expect(await readdir(join(folder, 'new/objects/a'))).toEqual(['b.txt'])
  })

  it('passes over and hides temporary files that a crashed process left', async () => {
    const left = Array.from({ length: 2000 }, (_, index) => `.esteira-tmp-${process.pid}-${index}`)
    await Promise.all(left.map((name) => writeFile(join(folder, name), 'half')))
    const store = openLocalObjectStore(folder)
    expect(await store.put('k', 'whole')).toBe(true)
    expect((await store.list('')).map((object) => object.key)).toEqual(['k'])
    expect(new TextDecoder().decode(await store.get('k'))).toBe('whole')
  })

  it('names both uses of a path when a key needs a folder where a file is, or the reverse', async () => {
    const store = openLocalObjectStore(folder)
    await store.put('a', 'file')
    await mkdir(join(folder, 'dir'))
    await expect(store.put('a/b', 'x')).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(store.put('dir', 'x')).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    expect((await readdir(folder)).sort()).toEqual(['a', 'dir'])
  })
})

describe('describeFileError', () => {
  const failure = (code: string) => Object.assign(new Error(`${code}: it failed`), { code })

  // Linux has a device that is always full; elsewhere the error is made by hand.
  const writeToFullDevice = () =>
    process.platform === 'linux' ? writeFile('/dev/full', 'x') : Promise.reject(failure('ENOSPC'))

  it('calls a full device a full disk that may be tried again', async () => {
    const cause = await writeToFullDevice().then(
      () => undefined,
      (error: unknown) => error,
    )
    const described = describeFileError(cause, 'write', '/data/x.parquet')
    expect(described).toMatchObject({ code: 'ESTEIRA_DISK_FULL', retryable: true, cause })
    expect(String(described)).toContain('/data/x.parquet')
  })

  it.each([
    ['ENOSPC', 'ESTEIRA_DISK_FULL'],
    ['EDQUOT', 'ESTEIRA_DISK_FULL'],
    ['EACCES', 'ESTEIRA_ACCESS_DENIED'],
    ['EPERM', 'ESTEIRA_ACCESS_DENIED'],
    ['EROFS', 'ESTEIRA_ACCESS_DENIED'],
    ['ENOTDIR', 'ESTEIRA_USAGE'],
  ])('maps %s to %s with the path and a next step', (from, to) => {
    const described = describeFileError(failure(from), 'write', '/data/x')
    if (!(described instanceof EsteiraError)) throw new Error('not described')
    expect(described.code).toBe(to)
    expect(described.message).toContain('cannot write /data/x')
    expect(described.hint?.length).toBeGreaterThan(20)
  })

  it('leaves other errors and described errors as they are', () => {
    const other = failure('EMFILE')
    expect(describeFileError(other, 'read', '/x')).toBe(other)
    expect(describeFileError('text', 'read', '/x')).toBe('text')
    const described = describeFileError(failure('EACCES'), 'read', '/x')
    expect(describeFileError(described, 'write', '/y')).toBe(described)
  })
})
