import { join } from 'node:path'
import { writeFeatureStatistics } from '@esteira/lakehouse'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { customers, openFeatureHome } from './feature-store-home.js'

/** The same figures by polars, from the Parquet file. */
const POLARS = `
import json, sys
import polars as pl
rows = pl.read_parquet(sys.argv[1])
out = []
for (day,), part in rows.partition_by("feature_date", as_dict=True).items():
    for name in ("spent", "orders"):
        x = part[name].cast(pl.Float64).drop_nulls()
        q = {f"p{int(p * 100):02d}": x.quantile(p, "linear") for p in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)}
        out.append({"day": str(day), "feature": name, "rows": part.height, "nulls": part[name].null_count(), "min": x.min(), "max": x.max(), "mean": x.mean(), "std": x.std(), **q})
print(json.dumps(out))
`

const rows = (
  salt: number,
) => `(SELECT printf('c%d', n) AS customer_id, DATE '2024-01-01' + CAST(31 * (n % 2) AS INTEGER) AS feature_date,
  CASE WHEN hash(n + ${salt}) % 10 = 0 THEN NULL ELSE CAST(hash(n * 3 + ${salt}) % 100000 AS DOUBLE) / 7 END AS spent, CAST(hash(n) % 40 AS BIGINT) AS orders,
  CASE WHEN n % 50 = 0 THEN NULL ELSE printf('s%02d', CAST(floor(sqrt(n % 900)) AS INTEGER)) END AS segment, 1 AS _feature_version, TIMESTAMP '2024-03-01 00:00:00' AS _created_at
  FROM range(5000) AS r(n))`

describe('the statistics of a view', () => {
  it('are those that polars finds, by date and feature', async () => {
    const { home, engine, lakehouse, rows: query } = await openFeatureHome()
    const file = join(home, 'features.parquet')
    await engine.query(`COPY ${rows(1)} TO '${file}' (FORMAT parquet)`)
    const featureDates = ['2024-01-01', '2024-02-01']
    const options = { lakehouse, view: customers, featureVersion: 1, featureDates, runId: 'run' }
    await writeFeatureStatistics({ ...options, rows: rows(1), commitId: 'one' })
    const expected: { day: string; feature: string; [figure: string]: string | number }[] = JSON.parse(
      await runPython(POLARS, [file]),
    )
    expect(expected).toHaveLength(4)
    for (const { day, feature, ...figures } of expected) {
      const [own] = await query(
        `SELECT * FROM {feature_store.customers_statistics} AS s WHERE feature_date = DATE '${day}' AND feature = '${feature}'`,
      )
      for (const [figure, value] of Object.entries(figures))
        expect(own?.[figure], `${feature} ${figure}`).toBeCloseTo(Number(value), 8)
      expect(own).toMatchObject({ level: null, _feature_version: 1, _created_at: '2024-03-01 00:00:00' })
    }
    // Texts: what a plain count gives.
    const levels = await query(
      `SELECT level, level_rows FROM {feature_store.customers_statistics} AS s WHERE feature = 'segment' AND feature_date = DATE '2024-01-01' AND level IS NOT NULL ORDER BY level_rows DESC, level`,
    )
    const plain = await query(
      `SELECT segment AS level, count(*) AS level_rows FROM ${rows(1)} AS s WHERE feature_date = DATE '2024-01-01' AND segment IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`,
    )
    expect(levels).toEqual(plain)
    expect(levels).toHaveLength(20)
    const [whole] = await query(
      `SELECT rows, nulls, levels, mean FROM {feature_store.customers_statistics} AS s WHERE feature = 'segment' AND feature_date = DATE '2024-01-01' AND level IS NULL`,
    )
    expect(whole).toEqual({ rows: 2500, nulls: 100, levels: 29, mean: null })
  })

  it('are replaced for their dates only, once for one commit id', async () => {
    const { lakehouse, rows: query } = await openFeatureHome()
    const write = (salt: number, featureDates: readonly string[], commitId: string) =>
      writeFeatureStatistics({
        lakehouse,
        view: customers,
        featureVersion: 1,
        featureDates,
        runId: 'run',
        commitId,
        rows: `(SELECT * FROM ${rows(salt)} AS r WHERE feature_date IN (${featureDates.map((day) => `DATE '${day}'`).join(', ')}))`,
      })
    await write(1, ['2024-01-01', '2024-02-01'], 'both')
    const means = () =>
      query(
        "SELECT feature_date, mean FROM {feature_store.customers_statistics} AS s WHERE feature = 'spent' ORDER BY 1",
      )
    const [january, february] = await means()
    expect(await write(2, ['2024-02-01'], 'again')).toMatchObject({ committed: true })
    const after = await means()
    expect(after).toHaveLength(2)
    expect(after[0]).toEqual(january)
    expect(after[1]).not.toEqual(february)
    expect(await write(3, ['2024-02-01'], 'again')).toMatchObject({ committed: false })
    expect(await means()).toEqual(after)
  })
})
