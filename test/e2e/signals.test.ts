import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  documentOf,
  type Ended,
  esteira,
  runStepFile,
  startEsteira,
  startStepFile,
} from '../services/esteira-command.js'
import { fileAppears } from '../services/file-appears.js'
import { processesWith } from '../services/processes.js'
import { expectCommandRefused, expectStepRefused } from '../services/refusal.js'
import { generateBookings, RUN_DATE, tableFiles, tempHome } from '../services/temp-home.js'

const place = tempHome()
const dated = ['--project', 'projects/churn', '--run-date', RUN_DATE]
let small = ''
let large = ''

interface Report {
  readonly status: string
  readonly steps: readonly { readonly id: string; readonly status: string; readonly exitCode: number | null }[]
  readonly error?: { readonly code?: string; readonly message: string }
}

const rowsOf = async (table: string) => {
  const ended = await esteira(['sql', `SELECT count(*) AS n FROM ${table}`, '--json'], place)
  return Number(documentOf<{ rows: [[string | number]] }>(ended).rows[0][0])
}

function expectDone({ code, stderr }: Ended): void {
  expect(code, stderr).toBe(0)
}

beforeAll(async () => {
  ;[small, large] = await Promise.all([generateBookings(place, 8000), generateBookings(place, 150_000, 11)])
  expectDone(await runStepFile('ingest_raw', [...dated, '--source', small], place))
})

afterAll(() => place.remove())

it('ends a step that is told to stop while it writes with 75; the table serves what it served, and the next run goes on', async () => {
  const before = tableFiles(place)
  const args = [...dated, '--run-id', 'stopped', '--source', large]
  const writes = fileAppears(join(place.home, 'lakehouse'), /bronze.*\.parquet$/)
  const step = startStepFile('ingest_raw', args, place)
  await writes
  step.kill('SIGTERM')
  expectStepRefused(await step.ended, { exit: 75, code: 'ESTEIRA_INTERRUPTED', says: ['again'] })
  expect(tableFiles(place)).toEqual(before)
  expect(existsSync(join(place.home, 'objects/runs/stopped/ingest_raw.json'))).toBe(false)
  expect(await rowsOf('bronze.churn_transactions')).toBe(8000)

  expectDone(await runStepFile('ingest_raw', args, place))
  expect(await rowsOf('bronze.churn_transactions')).toBe(158_000)
})

it('refuses a second start of a run that goes on, ends the first at Ctrl-C with all its processes, and goes on with it later', async () => {
  const home = tempHome()
  try {
    const args = ['run', 'training', ...dated, '--source', small]
    const trains = fileAppears(home.folder, /runs\/churn-training-20260101\/prepare_training_data\.json$/)
    const run = startEsteira(args, home)
    await run.says(/ingest_raw +8,000 in/)

    expectCommandRefused(await esteira(args, home), {
      exit: 64,
      code: 'ESTEIRA_RUN_BUSY',
      says: ['run churn-training-20260101 is going on since', `process ${run.pid}`, '--run-id', 'lock.json'],
    })

    await trains
    await run.says(/prepare_training_data +train/)
    run.kill('SIGINT')
    const ended = await run.ended
    expectCommandRefused(ended, {
      exit: 75,
      code: 'ESTEIRA_INTERRUPTED',
      says: ['run churn-training-20260101 was stopped in train_model', 'goes on from there'],
    })
    expect(processesWith(home.home)).toEqual([])
    expect(existsSync(join(home.home, 'objects/runs/churn-training-20260101/lock.json'))).toBe(false)

    const again = await esteira([...args, '--json'], home)
    expectDone(again)
    expect(documentOf<Report>(again).status).toBe('succeeded')
    const unchanged = again.stderr.split('\n').filter((line) => line.endsWith('unchanged'))
    expect(unchanged.map((line) => line.trim().split(' ')[0])).toEqual([
      'ingest_raw',
      'process_silver',
      'check_readiness',
      'extract_features',
      'validate_features',
      'prepare_training_data',
    ])
  } finally {
    await home.remove()
  }
})

it('takes over the lock of a run whose process is gone', async () => {
  const args = ['run', 'training', ...dated, '--source', small, '--run-id', 'killed', '--only', 'ingest_raw']
  const run = startEsteira(args, place)
  await fileAppears(join(place.home, 'objects'), /runs\/killed\/lock\.json$/)
  run.kill('SIGKILL')
  expect((await run.ended).signal).toBe('SIGKILL')
  expectDone(await esteira(args, place))
})

it('reports a stopped run as JSON with the step that was stopped', async () => {
  const run = startEsteira(['run', 'training', ...dated, '--source', large, '--run-id', 'json', '--json'], place)
  await run.says(/ingest_raw/)
  run.kill('SIGTERM')
  const ended = await run.ended
  expect(ended.code).toBe(75)
  const report = documentOf<Report>(ended)
  expect(report.status).toBe('aborted')
  expect(report.steps.at(-1)).toMatchObject({ id: 'process_silver', status: 'aborted' })
  expect(processesWith(place.home)).toEqual([])
})
