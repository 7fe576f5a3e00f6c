import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectStore } from '@esteira/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes))

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
      await store.put('empty', '')
      expect((await store.get('empty'))?.length).toBe(0)
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
      const writers = Array.from({ length: 20 }, (_, index) => index)
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

    it('locates a key below its root', () => {
      expect(store.locate('a/b.json').startsWith(store.root)).toBe(true)
      expect(store.locate('a/b.json').endsWith('a/b.json')).toBe(true)
    })

    it.each(['', '/a', 'a//b', 'a/', '../a', 'a/../b', './a', 'a\\b', 'a\nb', 'C:\\a', '.esteira-tmp-1-1', 'a\0'])(
      'refuses the key %j everywhere',
      async (key) => {
        const refused = { code: 'ESTEIRA_USAGE' }
        await expect(store.put(key, 'x')).rejects.toMatchObject(refused)
        await expect(store.get(key)).rejects.toMatchObject(refused)
        await expect(store.delete(key)).rejects.toMatchObject(refused)
        await expect(store.localPath(key)).rejects.toMatchObject(refused)
        await expect(store.upload(key, join(scratch, 'x'))).rejects.toMatchObject(refused)
        expect(() => store.locate(key)).toThrow(expect.objectContaining(refused))
      },
    )
  })
}
