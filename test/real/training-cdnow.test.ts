import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira, root } from '../services/esteira-command.js'

const data = process.env['ESTEIRA_REAL_DATA'] ?? resolve(root, '../shared')
const master = join(data, 'data/cdnow/CDNOW_master.txt')
const RUN_DATE = '1998-07-01'

interface Report {
  readonly status: string
  readonly runId: string
  readonly steps: readonly { readonly id: string; readonly status: string; readonly exitCode: number }[]
  readonly outputs: { readonly model: { readonly version: number; readonly metrics: Record<string, number> } | null }
}

let home: string
let training: Report
let inference: Report
let before: unknown

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'esteira-cdnow-'))
  training = await run('training')
  inference = await run('inference')
  before = await inventory()
}, 600_000)
afterAll(() => rm(home, { recursive: true, force: true }))

const command = (args: readonly string[]) =>
  esteira(args, { env: { ESTEIRA_HOME: home, MLFLOW_TRACKING_URI: undefined } })

async function run(workflow: string): Promise<Report> {
  const args = ['run', workflow, '--project', 'projects/cdnow', '--source', master, '--run-date', RUN_DATE, '--json']
  return documentOf<Report>(await command(args))
}

async function rows(sql: string): Promise<readonly (readonly unknown[])[]> {
  return documentOf<{ rows: readonly (readonly unknown[])[] }>(await command(['sql', sql, '--json'])).rows
}

/** All snapshots, versions and MLflow runs there are. */
async function inventory(): Promise<unknown> {
  const tables = documentOf<readonly { readonly name: string }[]>(await command(['tables', 'list', '--json']))
  const snapshots = []
  for (const { name } of tables)
    snapshots.push([name, await rows(`SELECT snapshot_id FROM "${name.replace('.', '"."')}$snapshots" ORDER BY 1`)])
  const versions = documentOf(await command(['models', 'list', '--json']))
  return { snapshots, versions, runs: await mlflowRuns() }
}

async function mlflowRuns(): Promise<readonly unknown[]> {
  const { openMlflowFile } = await import('@esteira/mlflow')
  const store = await openMlflowFile({
    file: join(home, 'mlflow.db'),
    artifactsFolder: join(home, 'mlartifacts'),
    now: () => new Date(),
    newId: () => 'none',
  })
  const found = await store.tracking.findRuns(await store.tracking.ensureExperiment('cdnow'), {})
  await store.close()
  return found.map(({ runId, status }) => [runId, status])
}

describe('projects/cdnow on the real purchases', () => {
  it('succeeds in every step of both workflows', () => {
    for (const report of [training, inference]) {
      expect(report.status).toBe('succeeded')
      expect(report.steps.filter(({ exitCode }) => exitCode !== 0)).toEqual([])
    }
  })

  it('has an honest model: the test ROC AUC lies around the independent 0.731', () => {
    const { roc_auc } = training.outputs.model?.metrics ?? {}
    expect(roc_auc).toBeGreaterThan(0.71)
    expect(roc_auc).toBeLessThan(0.75)
  })

  it('judges on the 3,817 customers at risk at 1998-04-01, of whom 54 % churned', async () => {
    const sql =
      "SELECT count(*) FROM feature_store.cdnow_customer_features WHERE feature_date = DATE '1998-04-01' AND days_since_last_transaction <= 90"
    expect(await rows(sql)).toEqual([[3817]])
  })

  it('gives every customer at risk at the run date one prediction', async () => {
    const atRisk = `SELECT DISTINCT customer_id FROM silver.cdnow_transactions WHERE local_ts >= TIMESTAMP '1998-04-02 00:00:00' AND local_ts < TIMESTAMP '1998-07-01 00:00:00' AND NOT is_refund`
    const [expected] = await rows(`SELECT count(*) FROM (${atRisk}) AS a`)
    expect(Number(expected?.[0])).toBeGreaterThan(1000)
    const found = await rows(
      `SELECT count(*), count(DISTINCT p.customer_id), sum(CASE WHEN a.customer_id IS NULL THEN 1 ELSE 0 END) FROM predictions.cdnow AS p LEFT JOIN (${atRisk}) AS a ON a.customer_id = p.customer_id`,
    )
    expect(found[0]?.map(Number)).toEqual([Number(expected?.[0]), Number(expected?.[0]), 0])
  })

  it('changes nothing when both run again with the same run id: no snapshot, no MLflow run, no version', async () => {
    expect((await run('training')).runId).toBe(training.runId)
    expect((await run('inference')).runId).toBe(inference.runId)
    expect(await inventory()).toEqual(before)
  })
})
