import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MlflowStore, openMlflowFile } from '@esteira/mlflow'
import { afterAll, beforeAll } from 'vitest'
import { runPython } from '../services/python.js'
import { describeMlflowStore } from './conformance.js'

let folder: string
const stores: MlflowStore[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-mlflow-file-'))
})
afterAll(async () => {
  for (const store of stores) await store.close()
  await rm(folder, { recursive: true, force: true })
})

async function open(name: string): Promise<MlflowStore> {
  const store = await openMlflowFile({
    file: join(folder, name),
    artifactsFolder: join(folder, 'my artifacts'),
    now: () => new Date(),
    newId: randomUUID,
    user: 'ana',
  })
  stores.push(store)
  return store
}

describeMlflowStore('a local file', () => open('mlflow.db'))

describeMlflowStore('a local file that MLflow upgraded while it was open', async () => {
  const store = await open('upgraded.db')
  await store.tracking.ensureExperiment('before the upgrade')
  const script = `
import sys
from mlflow import MlflowClient
assert MlflowClient(sys.argv[1]).get_experiment_by_name('before the upgrade').experiment_id == '1'
`
  await runPython(script, [store.tracking.uri])
  return store
})
