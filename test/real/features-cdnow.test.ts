import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { buildTrainingSet } from '@esteira/training-pipeline'
import { describe, expect, it } from 'vitest'
import cdnow from '../../projects/cdnow/project.js'
import { openTestPipeline } from '../feature-pipeline/test-pipeline.js'

// The golden file holds the view of one date over the whole of CDNOW, computed by other code from the same definition.
const folder = process.env['ESTEIRA_REAL_DATA'] ?? resolve(import.meta.dirname, '../../../shared')
const RAW = resolve(folder, 'data/cdnow/CDNOW_master.txt')
const GOLDEN = resolve(folder, 'golden/customer_features_cdnow_1998-04-01.csv.gz')
const DATE = '1998-04-01'
const RUN_DAY = '1998-07-01'
const TOLERANCE = 1e-9

type Golden = Readonly<Record<string, string>>

function readGolden(): Map<string, Golden> {
  const [header = '', ...lines] = gunzipSync(readFileSync(GOLDEN)).toString('utf8').trim().split('\n')
  const names = header.split(',')
  const rows = lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']))
  })
  return new Map(rows.map((row) => [row['customer_id'] ?? '', row]))
}

async function publishCdnow(featureDates: readonly string[]) {
  const pipeline = await openTestPipeline(cdnow.view, 'cdnow')
  const ingested = await pipeline.ingest(RAW)
  const silver = await pipeline.process(RUN_DAY)
  const extracted = await pipeline.extract(featureDates)
  const published = await pipeline.publish(extracted)
  return { ...pipeline, ingested, silver, extracted, published }
}

/** Empty text is null in the golden file. */
function isEqual(ours: string | number | boolean | null | undefined, golden: string): boolean {
  if (ours === null || golden === '') return ours === null && golden === ''
  if (typeof ours !== 'number') return ours === golden
  const difference = Math.abs(ours - Number(golden))
  return difference <= TOLERANCE || difference <= TOLERANCE * Math.abs(Number(golden))
}

describe('the features of CDNOW', () => {
  it('equal the golden file in every row and column', async () => {
    const { rows, ingested, silver, published } = await publishCdnow([DATE])
    expect(ingested.rowsAdded).toBe(69_659)
    expect(silver).toMatchObject({ rowsIn: 69_659, rowsKept: 69_659, dropped: {} })
    expect(published.rowsPublished).toBe(9_526)
    const golden = readGolden()
    const features = Object.keys(cdnow.view.features)
    const [first = {}] = golden.values()
    expect(new Set(['customer_id', 'feature_date', ...features, 'churned_90d'])).toEqual(new Set(Object.keys(first)))

    const ours = await rows(`SELECT * FROM {${published.table}} ORDER BY customer_id`)
    expect(ours.map((row) => row['customer_id'])).toEqual([...golden.keys()].sort())
    const wrong: string[] = []
    for (const row of ours) {
      const expected = golden.get(String(row['customer_id'])) ?? {}
      for (const name of ['feature_date', ...features]) {
        const text = expected[name] ?? ''
        if (!isEqual(row[name], text)) wrong.push(`${row['customer_id']} ${name}: ${text}, ours ${row[name]}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('have the labels of the golden file for everybody at risk', async () => {
    const featureDates = ['1997-12-01', DATE]
    const { lakehouse, objects, rows, silver, extracted, published } = await publishCdnow(featureDates)
    const set = await buildTrainingSet({
      lakehouse,
      objects,
      view: cdnow.view,
      label: cdnow.label,
      featureTable: published.table,
      featureSnapshotId: published.snapshotId ?? '',
      featureVersion: extracted.version.version,
      silverTable: silver.table,
      silverSnapshotId: silver.snapshotId ?? '',
      featureDates,
      runDay: RUN_DAY,
      scratchKey: 'scratch/set.parquet',
    })
    const source = await lakehouse.parquet(set.dataKey)
    const labels = await rows(
      `SELECT customer_id, churned FROM ${source} WHERE feature_date = DATE '${DATE}' ORDER BY 1`,
    )
    const atRisk = [...readGolden().values()].filter((row) => Number(row['days_since_last_transaction']) <= 90)
    expect(atRisk).toHaveLength(3_817)
    const expected = atRisk.map((row) => ({ customer_id: row['customer_id'], churned: Number(row['churned_90d']) }))
    expect(labels).toEqual(expected.sort((a, b) => (String(a.customer_id) < String(b.customer_id) ? -1 : 1)))
  })
})
