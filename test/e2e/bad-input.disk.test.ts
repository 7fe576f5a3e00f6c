import { afterAll, beforeAll, expect, it } from 'vitest'
import { documentOf, esteira, runStepFile } from '../services/esteira-command.js'
import { expectStepRefused } from '../services/refusal.js'
import { generateBookings, RUN_DATE, tableFiles, tempHome } from '../services/temp-home.js'

const place = tempHome()
const dated = ['--project', 'projects/churn', '--run-date', RUN_DATE]
/** A file system's own limit on what may be written, in KiB: what a full disk or a used-up quota does to a write. */
const limited = { ...place, limit: 'ulimit -f 32' }
let small = ''
let large = ''

const snapshots = async () => {
  const tables = documentOf<{ name: string; snapshotId: string; rowCount: number }[]>(
    await esteira(['tables', 'list', '--json'], place),
  )
  return tables.map(({ name, snapshotId, rowCount }) => ({ name, snapshotId, rowCount }))
}

beforeAll(async () => {
  ;[small, large] = await Promise.all([generateBookings(place, 8000), generateBookings(place, 60_000, 11)])
  for (const step of ['ingest_raw', 'process_silver']) {
    const { code, stderr } = await runStepFile(step, [...dated, '--source', small], place)
    expect(code, stderr).toBe(0)
  }
})

afterAll(() => place.remove())

it('leaves a table as it was when its files cannot be written whole, and goes on when there is room', async () => {
  const [before, tables] = [tableFiles(place), await snapshots()]
  const args = [...dated, '--run-id', 'full', '--source', large]
  const ended = await runStepFile('ingest_raw', args, limited)
  expectStepRefused(ended, { exit: 75, code: 'ESTEIRA_DISK_FULL', says: ['lakehouse/bronze', 'again'] })
  expect(tableFiles(place)).toEqual(before)
  expect(await snapshots()).toEqual(tables)

  const { code, stderr } = await runStepFile('ingest_raw', args, place)
  expect(code, stderr).toBe(0)
  expect((await snapshots())[0]).toMatchObject({ name: 'bronze.churn_transactions', rowCount: 68_000 })
})

it('publishes nothing when the features cannot be staged whole', async () => {
  const args = [...dated, '--run-id', 'full', '--feature-dates', 'training']
  expectStepRefused(await runStepFile('extract_features', args, limited), {
    exit: 75,
    code: 'ESTEIRA_DISK_FULL',
    says: ['cannot write', 'home/objects/', 'again'],
  })
  const { code, stderr } = await runStepFile('validate_features', args, place)
  expect(code, stderr).toBe(64)
  expect(stderr).toContain('ESTEIRA_STEP_RESULT_MISSING')
})
