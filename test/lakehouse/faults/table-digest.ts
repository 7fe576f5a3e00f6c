import { runPython } from '../../services/python.js'
import type { Row } from '../test-lakehouse.js'
import type { Rows } from './programs/changes.js'

/** Rows and sums of a table by bucket: differs as soon as one row is missing, doubled or another one. */
export type Digest = readonly string[]

const DIGEST = `SELECT bucket::VARCHAR || ':' || count(*) || ':' || sum(key)::VARCHAR || ':' || sum(key * n)::VARCHAR
  || ':' || count(*) FILTER (filler = 'row ' || key) AS line FROM {table} GROUP BY bucket ORDER BY bucket`

/** The digest of a table as we read it. */
export async function digestOf(rows: (sql: string) => Promise<readonly Row[]>, table: string): Promise<Digest> {
  return (await rows(DIGEST.replace('{table}', `{${table}}`))).map(({ line }) => String(line))
}

/** The digest of what the table must hold. */
export function expectedDigest(rows: Rows): Digest {
  const buckets = [...new Set([...rows.values()].map(({ bucket }) => bucket))].sort((a, b) => a - b)
  return buckets.map((wanted) => {
    let [count, keys, products] = [0, 0, 0]
    for (const [key, { bucket, n }] of rows) {
      if (bucket !== wanted) continue
      count += 1
      keys += key
      products += key * n
    }
    return [wanted, count, keys, products, count].join(':')
  })
}

/** The digest of the table as PyIceberg reads it. */
export async function pyIcebergDigest(home: string, table: string): Promise<Digest> {
  return JSON.parse(await runPython(PYICEBERG, [home, table])) as Digest
}

const PYICEBERG = `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
home, table = sys.argv[1:3]
rows = SqlCatalog("esteira", uri=f"sqlite:///{home}/catalog.db").load_table(table).scan().to_arrow().to_pylist()
found = {}
for row in rows:
    sums = found.setdefault(row["bucket"], [0, 0, 0, 0])
    for index, value in enumerate([1, row["key"], row["key"] * row["n"], row["filler"] == f"row {row['key']}"]):
        sums[index] += value
print(json.dumps([":".join(str(part) for part in [bucket, *found[bucket]]) for bucket in sorted(found)]))
`
