import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectStore } from '@esteira/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes))

/** A comparison that does not print megabytes when it fails. */
const sameBytes = (found: Uint8Array | undefined, expected: Uint8Array) =>
  found !== undefined && Buffer.compare(found, expected) === 0

/** What every object store promises; `open` gives a new empty store. */
export function describeObjectStore(driver: string, open: () => Promise<ObjectStore>): void {
  describe(`object store: ${driver}`, () => {
    let store: ObjectStore
    let scratch: string

    beforeEach(async () => {
      store = await open()
      scratch = await mkdtemp(join(tmpdir(), 'esteira-objects-'))
    })
    afterEach(async () => {
      await rm(scratch, { recursive: true, force: true })
    })

    it('gives back the bytes it was given', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
      expect(await store.put('a/b/bytes.bin', bytes)).toBe(true)
      expect([...((await store.get('a/b/bytes.bin')) ?? [])]).toEqual([...bytes])
      await store.put('texto.txt', 'ação ✓')
      expect(text(await store.get('texto.txt'))).toBe('ação ✓')
    })

    it('keeps empty objects', async () => {
      expect(await store.put('empty', '', { ifAbsent: true })).toBe(true)
      expect(await store.put('empty', '', { ifAbsent: true })).toBe(false)
      expect((await store.get('empty'))?.length).toBe(0)
      expect((await store.getRange('empty', { offset: 0, length: 5 }))?.length).toBe(0)
      expect(await readFile(await store.localPath('empty'), 'utf8')).toBe('')
      expect((await store.list('')).map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([['empty', 0]])
      const source = join(scratch, 'empty.bin')
      await writeFile(source, '')
      await store.upload('also-empty', source)
      expect((await store.get('also-empty'))?.length).toBe(0)
    })

    it('has no object before one is put, after it is deleted, and where only longer keys exist', async () => {
      expect(await store.get('a/b')).toBeUndefined()
      await store.put('a/b', '1')
      expect(await store.get('a')).toBeUndefined()
      expect(await store.get('a/b/c')).toBeUndefined()
      await store.delete('a')
      await store.delete('a/b')
      await store.delete('a/b')
      expect(await store.get('a/b')).toBeUndefined()
      expect(await store.list('')).toEqual([])
    })

    it('replaces an object unless only an absent one may be written', async () => {
      await store.put('k', 'old')
      expect(await store.put('k', 'kept out', { ifAbsent: true })).toBe(false)
      expect(text(await store.get('k'))).toBe('old')
      expect(await store.put('k', 'new')).toBe(true)
      expect(text(await store.get('k'))).toBe('new')
    })

    it('lets exactly one of many writers create an absent object', async () => {
      const writers = Array.from({ length: 32 }, (_, index) => index)
      const won = await Promise.all(writers.map((index) => store.put('lock', `writer ${index}`, { ifAbsent: true })))
      const winners = writers.filter((index) => won[index])
      expect(winners).toHaveLength(1)
      expect(text(await store.get('lock'))).toBe(`writer ${winners[0]}`)
    })

    it('shows readers a whole object while it is replaced', async () => {
      const bodies = ['a', 'b', 'c'].map((letter) => letter.repeat(300_000))
      await store.put('big', bodies[0] ?? '')
      const writes = Array.from({ length: 12 }, (_, index) => store.put('big', bodies[index % 3] ?? ''))
      const reads = Array.from({ length: 12 }, async () => text(await store.get('big')))
      for (const seen of await Promise.all(reads)) expect(bodies).toContain(seen)
      await Promise.all(writes)
      expect((await store.list('')).map((object) => object.key)).toEqual(['big'])
    })

    it('lists keys by text prefix in byte order with their sizes', async () => {
      for (const key of ['runs/b/x', 'runs/a/y', 'runs/a.json', 'run', 'runs/é', 'other/z']) await store.put(key, key)
      const keys = async (prefix: string) => (await store.list(prefix)).map((object) => object.key)
      expect(await keys('')).toEqual(['other/z', 'run', 'runs/a.json', 'runs/a/y', 'runs/b/x', 'runs/é'])
      expect(await keys('runs/a')).toEqual(['runs/a.json', 'runs/a/y'])
      expect(await keys('runs/a/')).toEqual(['runs/a/y'])
      expect(await keys('nothing/')).toEqual([])
      expect(await keys('../')).toEqual([])
      const [listed] = await store.list('runs/é')
      expect(listed?.sizeBytes).toBe(7)
      expect(Math.abs((listed?.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(600_000)
    })

    it('reads a part of an object as far as it goes', async () => {
      await store.put('digits', '0123456789')
      const range = async (offset: number, length: number) => text(await store.getRange('digits', { offset, length }))
      expect(await range(0, 10)).toBe('0123456789')
      expect(await range(3, 4)).toBe('3456')
      expect(await range(8, 100)).toBe('89')
      expect(await range(10, 1)).toBe('')
      expect(await range(500, 1)).toBe('')
      expect(await range(2, 0)).toBe('')
      expect(await store.getRange('absent', { offset: 0, length: 0 })).toBeUndefined()
      expect(await store.getRange('absent', { offset: 0, length: 1 })).toBeUndefined()
    })

    it.each([
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
      [Number.MAX_SAFE_INTEGER, 2],
    ])('refuses the range %d + %d', async (offset, length) => {
      await store.put('digits', '0123456789')
      await expect(store.getRange('digits', { offset, length })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    })

    it.each([
      ...[
        'with space',
        ' edge ',
        'a+b',
        'a%2Fb',
        '100%',
        'a&b=c?d#e',
        'quo\'te"s',
        '(x)!*,;:@$',
        'ação/日本語/🎉.json',
      ],
      ...['..a/b..', '.hidden', 'a/.../b', '~x', '[x]{y}|^`', `${'n'.repeat(255)}/m`, '=x', 'x=1/y=%20'],
    ])('keeps the key %j apart from others', async (key) => {
      await store.put(key, 'this')
      await store.put(`${key}2`.slice(-200), 'that')
      expect(text(await store.get(key))).toBe('this')
      expect((await store.list('')).map((object) => object.key)).toContain(key)
      expect((await store.list(key.slice(0, -1))).map((object) => object.key)).toContain(key)
      expect(await store.put(key, 'kept out', { ifAbsent: true })).toBe(false)
      expect(await readFile(await store.localPath(key), 'utf8')).toBe('this')
      await store.delete(key)
      expect(await store.get(key)).toBeUndefined()
      expect(await store.list('')).toHaveLength(1)
    })

    it('keeps big objects whole, from memory and from files', async () => {
      const bytes = randomBytes(23 * 1024 * 1024 + 7)
      const source = join(scratch, 'big.bin')
      await writeFile(source, bytes)
      await store.upload('uploaded.parquet', source)
      expect(await store.put('put.bin', bytes, { ifAbsent: true })).toBe(true)
      expect(await store.put('put.bin', randomBytes(bytes.length), { ifAbsent: true })).toBe(false)
      for (const key of ['uploaded.parquet', 'put.bin']) {
        expect(sameBytes(await store.get(key), bytes)).toBe(true)
        expect(sameBytes(await readFile(await store.localPath(key)), bytes)).toBe(true)
        const [offset, length] = [5 * 1024 * 1024 - 3, 6 * 1024 * 1024]
        const part = await store.getRange(key, { offset, length })
        expect(sameBytes(part, bytes.subarray(offset, offset + length))).toBe(true)
      }
      expect((await store.localPath('uploaded.parquet')).endsWith('.parquet')).toBe(true)
      expect((await store.list('')).map(({ sizeBytes }) => sizeBytes)).toEqual([bytes.length, bytes.length])
    })

    it('lists more objects than one page holds', async () => {
      const keys = Array.from({ length: 1003 }, (_, index) => `page/${String(index).padStart(4, '0')}`)
      for (let from = 0; from < keys.length; from += 50)
        await Promise.all(keys.slice(from, from + 50).map((key) => store.put(key, '')))
      expect((await store.list('page/')).map((object) => object.key)).toEqual(keys)
      expect(await store.list('page/100')).toHaveLength(3)
    })

    it('gives the local path of the object as it is now', async () => {
      await store.put('m', 'one')
      const paths = await Promise.all([store.localPath('m'), store.localPath('m'), store.localPath('m')])
      expect(new Set(paths).size).toBe(1)
      expect(await store.localPath('m')).toBe(paths[0])
      await store.put('m', 'two, longer')
      expect(await readFile(await store.localPath('m'), 'utf8')).toBe('two, longer')
      await store.delete('m')
      await expect(store.localPath('m')).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_MISSING' })
    })

    it('does nothing for a caller that has stopped', async () => {
      const source = join(scratch, 'source.bin')
      await writeFile(source, 'from disk')
      await store.put('k', 'before')
      const stopped = { signal: AbortSignal.abort() }
      const calls = [
        () => store.get('k', stopped),
        () => store.getRange('k', { offset: 0, length: 1 }, stopped),
        () => store.put('k', 'after', stopped),
        () => store.upload('k', source, stopped),
        () => store.localPath('k', stopped),
        () => store.list('', stopped),
        () => store.delete('k', stopped),
      ]
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
      expect(text(await store.get('k'))).toBe('before')
    })

    it('uploads a local file and gives a local path to an object', async () => {
      const source = join(scratch, 'source.bin')
      await writeFile(source, 'from disk')
      await store.put('models/m', 'before')
      await store.upload('models/m', source)
      expect(text(await store.get('models/m'))).toBe('from disk')
      expect(await readFile(await store.localPath('models/m'), 'utf8')).toBe('from disk')
      expect(await readFile(source, 'utf8')).toBe('from disk')
    })

    it('refuses to upload a missing file and to locate a missing object locally', async () => {
      await expect(store.upload('k', join(scratch, 'absent'))).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_MISSING' })
      await expect(store.localPath('k')).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_MISSING' })
      expect(await store.list('')).toEqual([])
    })

    it('refuses to upload a folder', async () => {
      await expect(store.upload('k', scratch)).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_MISSING' })
      expect(await store.list('')).toEqual([])
    })

    it('locates a key below its root', () => {
      expect(store.locate('a/b.json').startsWith(store.root)).toBe(true)
      expect(store.locate('a/b.json').endsWith('a/b.json')).toBe(true)
    })

    it.each([
      ...['', '/a', 'a//b', 'a/', '../a', 'a/../b', './a', 'a\\b', 'a\nb', 'C:\\a'],
      ...['.esteira-tmp-1-1', 'a\0', 'a\ud800', 'n'.repeat(256), `${'n/'.repeat(520)}n`],
    ])('refuses the key %j everywhere', async (key) => {
      const refused = { code: 'ESTEIRA_USAGE' }
      await expect(store.put(key, 'x')).rejects.toMatchObject(refused)
      await expect(store.get(key)).rejects.toMatchObject(refused)
      await expect(store.getRange(key, { offset: 0, length: 1 })).rejects.toMatchObject(refused)
      await expect(store.delete(key)).rejects.toMatchObject(refused)
      await expect(store.localPath(key)).rejects.toMatchObject(refused)
      await expect(store.upload(key, join(scratch, 'x'))).rejects.toMatchObject(refused)
      expect(() => store.locate(key)).toThrow(expect.objectContaining(refused))
    })
  })
}
