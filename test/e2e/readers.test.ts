import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira, root } from '../services/esteira-command.js'
import { runPython } from '../services/python.js'
import { generateBookings, RUN_DATE, tempHome } from '../services/temp-home.js'

const place = tempHome()

interface Report {
  readonly runId: string
  readonly outputs: {
    readonly model: { readonly name: string; readonly version: number; readonly metrics: Record<string, number> }
  }
}
let report: Report

beforeAll(async () => {
  const bookings = await generateBookings(place, 8000)
  const flags = ['--project', 'projects/churn', '--run-date', RUN_DATE, '--source', bookings, '--json']
  const ended = await esteira(['run', 'training', ...flags], place)
  expect(ended.code, ended.stderr).toBe(0)
  report = documentOf(ended)
})

afterAll(() => place.remove())

const python = async <T>(program: string, ...args: string[]) => JSON.parse(await runPython(program, args)) as T

describe('PyIceberg', () => {
  it('opens the feature table of a run: its rows, its schema, its partitions and a filter', async () => {
    const found = await python<{
      tables: string[]
      columns: [string, string, boolean][]
      partitions: string[]
      rows: number
      october: number
      dates: string[]
      keys: number
      snapshots: number
    }>(
      `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1])
table = catalog.load_table("feature_store.customer_features")
rows = table.scan().to_arrow()
october = table.scan(row_filter="feature_date = '2025-10-01'").to_arrow()
keys = rows.group_by(["customer_id", "feature_date"]).aggregate([]).num_rows
print(json.dumps({
  "tables": sorted(".".join(name) for space in catalog.list_namespaces() for name in catalog.list_tables(space)),
  "columns": [[f.name, str(f.field_type), f.required] for f in table.schema().fields],
  "partitions": [f"{f.transform}({table.schema().find_field(f.source_id).name})" for f in table.spec().fields],
  "rows": rows.num_rows, "october": october.num_rows, "keys": keys,
  "dates": sorted({str(d) for d in rows["feature_date"].to_pylist()}), "snapshots": len(table.snapshots()),
}))`,
      join(place.home, 'catalog.db'),
    )
    const ours = documentOf<{ rows: [number, number][] }>(
      await esteira(
        [
          'sql',
          "SELECT count(*), count_if(feature_date = DATE '2025-10-01') FROM feature_store.customer_features",
          '--json',
        ],
        place,
      ),
    ).rows[0]
    expect([found.rows, found.october]).toEqual(ours?.map(Number))
    expect(found.keys).toBe(found.rows)
    expect(found.snapshots).toBe(1)
    expect(found.dates).toHaveLength(12)
    expect(found.tables).toEqual(
      expect.arrayContaining([
        'bronze.churn_transactions',
        'feature_store.customer_features',
        'silver.churn_transactions',
      ]),
    )
    expect(found.partitions).toEqual(['month(feature_date)'])
    expect(found.columns).toEqual(
      expect.arrayContaining([
        ['customer_id', 'string', true],
        ['feature_date', 'date', true],
        ['days_since_last_transaction', 'int', false],
        ['_feature_version', 'int', expect.any(Boolean)],
        ['_feature_hash', 'string', expect.any(Boolean)],
        ['_created_at', 'timestamp', expect.any(Boolean)],
      ]),
    )
  })
})

describe("MLflow's own client", () => {
  it('shows the run with its metrics, params, tags and datasets, and the version with its alias', async () => {
    const found = await python<{
      experiments: string[]
      runs: number
      runId: string
      status: string
      metrics: Record<string, number>
      params: Record<string, string>
      tags: Record<string, string>
      datasets: string[]
      artifacts: string[]
      version: { version: string; runId: string; aliases: string[]; status: string; stage: string }
    }>(
      `
import json, logging, os, sys, warnings
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
import mlflow
from mlflow import MlflowClient
client = MlflowClient("sqlite:///" + sys.argv[1])
experiments = client.search_experiments()
runs = client.search_runs([e.experiment_id for e in experiments])
run = runs[0]
version = client.get_model_version("churn", sys.argv[2])
print(json.dumps({
  "experiments": sorted(e.name for e in experiments), "runs": len(runs), "status": run.info.status,
  "metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags,
  "datasets": [d.dataset.name for d in run.inputs.dataset_inputs],
  "artifacts": sorted(a.path for a in client.list_artifacts(run.info.run_id)),
  "version": {"version": str(version.version), "runId": version.run_id, "aliases": list(version.aliases),
              "status": version.status, "stage": version.current_stage},
  "runId": run.info.run_id,
}))`,
      join(place.home, 'mlflow.db'),
      String(report.outputs.model.version),
    )
    const { model } = report.outputs
    expect(found.runs).toBe(1)
    expect(found.experiments).toContain('churn')
    expect(found.status).toBe('FINISHED')
    for (const [name, value] of Object.entries(model.metrics)) expect(found.metrics[name]).toBeCloseTo(value, 12)
    expect(Object.keys(found.metrics).some((name) => name.startsWith('val_'))).toBe(true)
    expect(Object.keys(found.metrics).some((name) => name.startsWith('baseline_'))).toBe(true)
    expect(found.params).toMatchObject({ max_depth: '4', learning_rate: '0.05' })
    expect(found.tags).toMatchObject({ model_type: 'xgboost' })
    if (existsSync(join(root, '.git'))) expect(found.tags['mlflow.source.git.commit']).toMatch(/^[0-9a-f]{40}$/)
    expect(found.tags).toHaveProperty('data_version')
    expect(found.tags).toHaveProperty('feature_version')
    expect(found.datasets.length).toBeGreaterThan(0)
    const [ours] = documentOf<{ aliases: string[]; stage: string; runId: string }[]>(
      await esteira(['models', 'list', '--json'], place),
    )
    expect(found.version).toEqual({
      version: '1',
      status: 'READY',
      ...(ours && { aliases: ours.aliases, stage: ours.stage, runId: ours.runId }),
    })
    expect(found.version.runId).toBe(found.runId)
  })
})
