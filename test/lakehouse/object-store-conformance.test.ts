import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openLocalObjectStore } from '../../packages/lakehouse/src/object-store/local-object-store.js'
import { describeObjectStore } from './object-store-conformance.js'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

describeObjectStore('local folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'esteira-store-'))
  folders.push(folder)
  return openLocalObjectStore(join(folder, 'objects'))
})
