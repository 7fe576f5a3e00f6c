import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openMlflowFile } from '@esteira/mlflow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { documentOf, type Ended, esteira } from '../services/esteira-command.js'
import { generateBookings, RUN_DATE, tableFiles, tempHome } from '../services/temp-home.js'

const place = tempHome()
const churn = ['--project', 'projects/churn', '--run-date', RUN_DATE]

/** The shape that house and README promise, and nothing else. */
const report = z.strictObject({
  workflow: z.string(),
  runId: z.string(),
  runDate: z.string(),
  status: z.enum(['succeeded', 'failed']),
  steps: z.array(
    z.strictObject({
      id: z.string(),
      status: z.string(),
      exitCode: z.number(),
      attempts: z.number().min(1),
      durationMs: z.number().min(0),
    }),
  ),
  outputs: z.strictObject({
    tables: z.array(z.string()),
    model: z
      .strictObject({ name: z.string(), version: z.number(), metrics: z.record(z.string(), z.number()) })
      .nullable(),
    drift: z
      .strictObject({ verdict: z.enum(['none', 'warning', 'critical']), reasons: z.array(z.string()) })
      .nullable(),
    files: z.array(z.string()),
  }),
})

const run = (...args: string[]) => esteira(['run', ...args, '--json'], place)
const reportOf = (ended: Ended) => {
  expect(ended.code, ended.stderr).toBe(0)
  return report.parse(documentOf(ended))
}
const versions = async (name: string) =>
  documentOf<{ versions: { version: number; aliases: string[]; stage: string }[] }>(
    await esteira(['models', 'history', name, '--json'], place),
  ).versions
const select = async (sql: string) =>
  documentOf<{ rows: (string | number | null)[][] }>(await esteira(['sql', sql, '--json'], place)).rows

/** Every run of the experiment with its status, times and tags. */
async function mlflowRuns() {
  const { tracking, close } = await openMlflowFile({
    file: join(place.home, 'mlflow.db'),
    artifactsFolder: join(place.home, 'mlartifacts'),
    now: () => new Date(),
    newId: randomUUID,
  })
  try {
    return await tracking.findRuns(await tracking.ensureExperiment('churn'), {})
  } finally {
    await close()
  }
}

let bookings = ''
let training: Ended
let inference: Ended

beforeAll(async () => {
  bookings = await generateBookings(place, 20_000)
  training = await run('training', ...churn, '--source', bookings)
  inference = await run('inference', ...churn, '--source', bookings)
})

afterAll(() => place.remove())

describe('a training', () => {
  it('reports its steps, tables, model and files in one JSON document', () => {
    const { steps, outputs, ...head } = reportOf(training)
    expect(head).toEqual({
      workflow: 'training',
      runId: 'churn-training-20260101',
      runDate: RUN_DATE,
      status: 'succeeded',
    })
    expect(steps.map(({ id }) => id)).toEqual([
      'ingest_raw',
      'process_silver',
      'check_readiness',
      'extract_features',
      'validate_features',
      'prepare_training_data',
      'train_model',
      'evaluate_model',
      'promote_model',
      'notify',
    ])
    expect(
      steps.every(({ status, exitCode, attempts }) => status === 'succeeded' && exitCode === 0 && attempts === 1),
    ).toBe(true)
    expect(outputs.tables).toEqual(
      expect.arrayContaining([
        'bronze.churn_transactions',
        'silver.churn_transactions',
        'feature_store.customer_features',
      ]),
    )
    expect(outputs.files.filter((file) => !existsSync(file))).toEqual([])
  })

  it('has a model whose metrics are those of the registry, promoted by its gates', async () => {
    const { model } = reportOf(training).outputs
    expect(model).toMatchObject({ name: 'churn', version: 1 })
    expect(Object.keys(model?.metrics ?? {}).sort()).toEqual([
      'accuracy',
      'brier_score',
      'f1',
      'log_loss',
      'pr_auc',
      'precision',
      'recall',
      'roc_auc',
    ])
    expect(model?.metrics['accuracy']).toBeGreaterThan(0.6)
    expect(await versions('churn')).toMatchObject([{ version: 1 }])
  })

  it('shows its progress on standard error, a line a step', () => {
    const lines = training.stderr.split('\n')
    expect(lines.some((line) => /^ {2}ingest_raw +20,000 in · 20,000 added to bronze +[\d.]+ s$/.test(line))).toBe(true)
    expect(lines.filter((line) => line.length > 110)).toEqual([])
    expect(training.stderr).not.toContain('{"level"')
    expect(training.stderr).not.toContain('\u001b[')
  })
})

describe('an inference', () => {
  it('gives one prediction for each customer at risk, with the version that is live', async () => {
    const { outputs } = reportOf(inference)
    expect(outputs.tables).toContain('predictions.churn')
    const [[predictions, customers, version] = []] = await select(
      'SELECT count(*), count(DISTINCT customer_id), max(model_version) FROM predictions.churn',
    )
    expect(Number(predictions)).toBeGreaterThan(100)
    expect(customers).toBe(predictions)
    expect(String(version)).toBe('1')
  })

  it('reports the drift verdict, and takes the branch that it decides', () => {
    const { outputs, steps } = reportOf(inference)
    const isDrift = outputs.drift?.verdict !== 'none'
    expect(outputs.drift).not.toBeNull()
    expect(steps.some(({ id }) => id === 'handle_drift')).toBe(isDrift)
    expect(outputs.files.some((file) => file.endsWith('report.html'))).toBe(true)
  })
})

describe('a second run', () => {
  it('with the same id and date changes nothing: no snapshot, no run, no version', async () => {
    const before = tableFiles(place)
    const modelsBefore = await versions('churn')
    const runsBefore = await mlflowRuns()
    expect(runsBefore.length).toBeGreaterThan(0)
    const again = await run('training', ...churn, '--source', bookings)
    const { outputs } = reportOf(again)
    expect(outputs).toEqual(reportOf(training).outputs)
    expect(again.stderr.match(/unchanged$/gm)).toHaveLength(10)
    expect(tableFiles(place)).toEqual(before)
    expect(await versions('churn')).toEqual(modelsBefore)
    expect(await mlflowRuns()).toEqual(runsBefore)
  })

  it('of one step runs that step alone', async () => {
    const only = await run('inference', ...churn, '--source', bookings, '--only', 'detect_drift')
    expect(reportOf(only).steps.map(({ id }) => id)).toEqual(['detect_drift'])
  })

  it('from a step runs it and those after it', async () => {
    const from = await run('training', ...churn, '--source', bookings, '--from', 'promote_model')
    expect(reportOf(from).steps.map(({ id }) => id)).toEqual(['promote_model', 'notify'])
  })
})

describe('two projects in one home', () => {
  it('keep their tables and models apart', async () => {
    const before = await select('SELECT count(*) FROM silver.churn_transactions')
    const source = join(place.folder, 'purchases.txt')
    writeFileSync(source, purchases(2500))
    const ended = await run('training', '--project', 'projects/cdnow', '--run-date', '1998-07-01', '--source', source)
    const { outputs } = reportOf(ended)
    expect(outputs.model).toMatchObject({ name: 'cdnow', version: 1 })
    expect(outputs.tables).toContain('feature_store.cdnow_customer_features')
    const models = documentOf<{ name: string }[]>(await esteira(['models', 'list', '--json'], place))
    expect([...new Set(models.map(({ name }) => name))].sort()).toEqual(['cdnow', 'churn'])
    expect(await select('SELECT count(*) FROM silver.churn_transactions')).toEqual(before)
  })
})

it('ends with the exit code and the error of the step that failed, in its report', async () => {
  const source = join(place.folder, 'commas.csv')
  writeFileSync(source, readFileSync(bookings, 'utf8').replaceAll(/,(\d+)\.(\d\d),/g, ',"$1,$2",'))
  const ended = await run('training', ...churn, '--source', source, '--run-id', 'commas')
  expect(ended.code).toBe(65)
  expect(documentOf(ended)).toMatchObject({
    status: 'failed',
    steps: [{ id: 'ingest_raw', status: 'failed', exitCode: 65, attempts: 1 }],
    outputs: { tables: [], model: null, drift: null, files: [] },
    error: {
      step: 'ingest_raw',
      code: 'ESTEIRA_SOURCE_TYPE',
      message: expect.stringContaining('column "amount" of commas.csv'),
      details: { column: 'amount', expected: 'decimal(18,4)' },
    },
  })
})

/** Purchases in the form of projects/cdnow: customers of the first quarter of 1997, each with a pace that may end. */
function purchases(customers: number): string {
  let state = 7
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const start = Date.UTC(1997, 0, 1)
  const lines = [' customer_id date number_of_cds dollar_value']
  for (let customer = 1; customer <= customers; customer++) {
    const gap = 10 + random() * 50
    const stays = 60 - Math.log(1 - random()) * 250
    const first = random() * 90
    for (let day = first; day < first + stays && day < 545; day += gap * (0.4 + 1.2 * random())) {
      const date = new Date(start + Math.floor(day) * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')
      lines.push(
        ` ${String(customer).padStart(5, '0')} ${date}  ${1 + Math.floor(random() * 4)} ${(5 + random() * 60).toFixed(2)}`,
      )
    }
  }
  return `${lines.join('\r\n')}\r\n`
}
