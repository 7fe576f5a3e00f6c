import { type Frame, toRows } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { athenaSelectToDuckDb } from '../../packages/lakehouse/src/sql-text/athena-select.js'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

async function history(): Promise<TestLakehouse & { ask: (sql: string) => Promise<Frame> }> {
  let second = 0
  const now = () => new Date(Date.UTC(2026, 0, 1, 0, 0, second++))
  const test = await openTestLakehouse({ now })
  const { lakehouse, engine } = test
  await lakehouse.ensureTable('silver.t', {
    columns: [
      { name: 'id', type: 'long' },
      { name: 'day', type: 'date' },
      { name: 'price', type: 'decimal(10,2)' },
      { name: 'ratio', type: 'double' },
      { name: 'at', type: 'timestamp' },
      { name: 'kind', type: 'string' },
    ],
    partitionBy: [
      { column: 'day', transform: 'month' },
      { column: 'kind', transform: 'identity' },
    ],
  })
  const rows = (from: number, to: number) =>
    `SELECT i AS id, DATE '2026-01-01' + CAST(i AS INTEGER) AS day, i / 4 - 5 AS price, CASE WHEN i = 3 THEN NULL ELSE i / 2 END AS ratio,
      TIMESTAMP '2026-01-01 12:30:00.5' + to_hours(i) AS at, CASE WHEN i % 2 = 0 THEN 'it''s' END AS kind FROM range(${from}, ${to}) AS r (i)`
  await lakehouse.append('silver.t', rows(0, 40), commit())
  await lakehouse.append('silver.t', rows(40, 50), commit())
  await lakehouse.replace('silver.t', [{ column: 'id', op: '<', value: 10 }], rows(0, 5), commit())
  const ask = async (sql: string) =>
    engine.query(
      await athenaSelectToDuckDb({
        sql,
        resolveTable: (name, version, where) => lakehouse.relation(name, version, where),
      }),
    )
  return { ...test, ask }
}

const typesOf = (frame: Frame) => [...frame.columns].map(([name, { type }]) => `${name} ${type}`)

describe('metadata tables', () => {
  it('$snapshots holds every snapshot with its summary', async () => {
    const { ask, lakehouse } = await history()
    const frame = await ask('select * from "silver"."t$snapshots"')
    expect(typesOf(frame)).toEqual([
      'committed_at timestamp',
      'snapshot_id long',
      'parent_id long',
      'operation string',
      'manifest_list string',
      'summary string',
    ])
    const snapshots = await lakehouse.snapshots('silver.t')
    const counted = await ask(
      'select operation, parent_id is null as first, committed_at from silver."t$snapshots" order by committed_at',
    )
    expect(toRows(counted).map(({ operation }) => operation)).toEqual(['append', 'append', 'overwrite'])
    expect(toRows(counted).map(({ first }) => first)).toEqual([true, false, false])
    expect(toRows(frame).map((row) => String(row['snapshot_id']))).toEqual(
      snapshots.map(({ snapshotId }) => snapshotId),
    )
    expect(String(toRows(frame)[0]?.['summary'])).toContain('total-records')
  })

  it('$history and $refs tell which snapshot was the current one, and which have names', async () => {
    const { ask, lakehouse } = await history()
    const [first] = await lakehouse.snapshots('silver.t')
    await lakehouse.tag('silver.t', 'january', { snapshotId: first?.snapshotId ?? '', maxRefAgeMs: 86_400_000 })
    const history_ = toRows(await ask('select * from silver."t$history" order by made_current_at'))
    expect(history_.map((row) => row['is_current_ancestor'])).toEqual([true, true, true])
    expect(String(history_[0]?.['snapshot_id'])).toBe(first?.snapshotId)
    const refs = toRows(
      await ask('select name, type, max_reference_age_in_ms as age from silver."t$refs" order by name'),
    )
    expect(refs).toEqual([
      { name: 'january', type: 'TAG', age: 86_400_000 },
      { name: 'main', type: 'BRANCH', age: null },
    ])
    expect(toRows(await ask("select count(*) as n from silver.t for version as of 'january'"))).toEqual([{ n: 40 }])
    expect(toRows(await ask("select count(*) as n from silver.t for version as of 'main'"))).toEqual([{ n: 45 }])
    await expect(ask("select 1 from silver.t for version as of 'januari'")).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_MISSING',
      hint: 'Did you mean january?',
    })
  })

  it('$files, $manifests and $partitions agree with each other and with the table', async () => {
    const { ask, lakehouse } = await history()
    const state = await lakehouse.table('silver.t')
    const files = toRows(
      await ask(
        'select count(*) as files, sum(record_count) as n, sum(file_size_in_bytes) as bytes from silver."t$files" where content = 0',
      ),
    )
    expect(files).toEqual([{ files: state?.fileCount, n: 45, bytes: state?.sizeBytes }])
    const manifests = toRows(
      await ask('select sum(added_rows_count) + sum(existing_rows_count) as n from silver."t$manifests"'),
    )
    expect(manifests).toEqual([{ n: 45 }])
    const partitions = toRows(
      await ask(
        'select sum(record_count) as n, sum(file_count) as files, sum(total_size) as bytes, count(*) as parts from silver."t$partitions"',
      ),
    )
    expect(partitions).toEqual([{ n: 45, files: state?.fileCount, bytes: state?.sizeBytes, parts: 4 }])
  })

  it('can be read at a version where they describe one snapshot, and nowhere else', async () => {
    const { ask, lakehouse } = await history()
    const [first] = await lakehouse.snapshots('silver.t')
    const at = (kind: string) => `from silver."t$${kind}" for version as of ${first?.snapshotId}`
    expect(toRows(await ask(`select sum(record_count) as n ${at('files')}`))).toEqual([{ n: 40 }])
    expect(toRows(await ask(`select sum(record_count) as n ${at('partitions')}`))).toEqual([{ n: 40 }])
    expect(toRows(await ask(`select sum(added_rows_count) as n ${at('manifests')}`))).toEqual([{ n: 40 }])
    for (const kind of ['snapshots', 'history', 'refs']) {
      await expect(ask(`select 1 ${at(kind)}`)).rejects.toMatchObject({ code: 'ESTEIRA_SQL' })
    }
  })

  it('has no others, and names the nearest', async () => {
    const { ask } = await history()
    const missing = { code: 'ESTEIRA_TABLE_MISSING', hint: 'Did you mean $files?' }
    await expect(ask('select * from silver."t$file"')).rejects.toMatchObject(missing)
    await expect(ask('select * from silver."u$files"')).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_MISSING' })
  })

  it('are empty, with their columns, for a table without a snapshot', async () => {
    const { lakehouse, engine } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.empty', { columns: [{ name: 'id', type: 'long' }] })
    for (const kind of ['snapshots', 'history', 'refs', 'files', 'manifests', 'partitions']) {
      const frame = await engine.query(`SELECT * FROM ${await lakehouse.relation(`silver.empty$${kind}`)}`)
      expect([frame.rowCount, frame.columns.size > 2]).toEqual([0, true])
    }
  })

  it('say what PyIceberg says of the same table', async () => {
    const { home, engine, lakehouse } = await history()
    const theirs = JSON.parse(await runPython(INSPECT, [`sqlite:///${home}/catalog.db`])) as Record<string, unknown>
    const rows = await engine.readRows(
      `SELECT file_path, record_count, file_size_in_bytes, null_value_counts, lower_bounds FROM ${await lakehouse.relation('silver.t$files')} ORDER BY file_path`,
    )
    const mapOf = (value: unknown) =>
      Object.fromEntries((value as { key: number; value: string }[]).map((entry) => [entry.key, String(entry.value)]))
    expect(
      rows.map((row) => ({
        ...row,
        null_value_counts: mapOf(row['null_value_counts']),
        lower_bounds: mapOf(row['lower_bounds']),
      })),
    ).toEqual(theirs['files'])
    const partitions = await engine.readRows(
      `SELECT partition.day_month AS month, partition.kind AS kind, record_count AS n, file_count AS files, CAST(data.price.min AS VARCHAR) AS low,
         CAST(data.at.max AS VARCHAR) AS last, data.ratio.null_count AS nulls FROM ${await lakehouse.relation('silver.t$partitions')} ORDER BY month, kind`,
    )
    expect(partitions).toEqual(theirs['partitions'])
    const manifests = await engine.readRows(
      `SELECT path, length, CAST(partition_summaries AS VARCHAR) AS ranges FROM ${await lakehouse.relation('silver.t$manifests')} ORDER BY path`,
    )
    expect(manifests.map(({ path, length }) => ({ path, length }))).toEqual(theirs['manifests'])
    const snapshots = await engine.readRows(
      `SELECT snapshot_id, operation, epoch_ms(committed_at) AS ms FROM ${await lakehouse.relation('silver.t$snapshots')} ORDER BY committed_at`,
    )
    expect(snapshots).toEqual(theirs['snapshots'])
  })
})

const INSPECT = `
import json, sys
from collections import defaultdict
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import from_bytes
table = SqlCatalog("esteira", uri=sys.argv[1]).load_table("silver.t")
files = table.inspect.files().to_pylist()
types = {field.field_id: field.field_type for field in table.schema().fields}
def human(id, value):
    found = from_bytes(types[id], value)
    name = str(types[id])
    if name == "timestamp": return (table_time(found))
    if name == "date": return str(date(found))
    return str(found)
import datetime
def date(days): return datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
def table_time(micros):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds") if moment.microsecond else moment.isoformat(timespec="seconds")
described = sorted(({
    "file_path": each["file_path"], "record_count": str(each["record_count"]), "file_size_in_bytes": str(each["file_size_in_bytes"]),
    "null_value_counts": {str(k): str(v) for k, v in each["null_value_counts"]},
    "lower_bounds": {str(k): human(k, v) for k, v in each["lower_bounds"]},
} for each in files), key=lambda each: each["file_path"])
groups = defaultdict(list)
for each in files:
    groups[(each["partition"]["day_month"], each["partition"]["kind"])].append(each)
partitions = [{
    "month": month, "kind": kind, "n": str(sum(f["record_count"] for f in group)), "files": str(len(group)),
    "low": str(min(f["readable_metrics"]["price"]["lower_bound"] for f in group)),
    "last": str(max(f["readable_metrics"]["at"]["upper_bound"] for f in group)).rstrip("0"),
    "nulls": str(sum(f["readable_metrics"]["ratio"]["null_value_count"] for f in group)),
} for (month, kind), group in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] is None, item[0][1] or ""))]
manifests = sorted(({"path": m["path"], "length": str(m["length"])} for m in table.inspect.manifests().to_pylist()), key=lambda m: m["path"])
snapshots = [{"snapshot_id": str(s.snapshot_id), "operation": s.summary.operation.value, "ms": str(s.timestamp_ms)} for s in table.snapshots()]
print(json.dumps({"files": described, "partitions": partitions, "manifests": manifests, "snapshots": snapshots}))
`
