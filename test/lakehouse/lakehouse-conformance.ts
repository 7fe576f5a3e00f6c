import type { TableDefinition } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { commit, type TestLakehouse } from './test-lakehouse.js'

const BOOKINGS = {
  columns: [
    { name: 'booking_id', type: 'string', required: true },
    { name: 'booked_at', type: 'timestamp' },
    { name: 'day', type: 'date', doc: 'the day of the booking' },
    { name: 'amount', type: 'decimal(18,4)' },
    { name: 'nights', type: 'int' },
    { name: 'total', type: 'long' },
    { name: 'score', type: 'double' },
    { name: 'weight', type: 'float' },
    { name: 'late', type: 'boolean' },
  ],
  partitionBy: [{ column: 'day', transform: 'month' }],
  properties: { 'esteira.source': 'bookings' },
} as const satisfies TableDefinition

/** 90 rows, one a day from 2024-01-01, the tenth without a day. */
const ROWS = `SELECT 'b' || range AS booking_id, TIMESTAMP '2024-01-01 10:00:00.123456' + INTERVAL (range) DAY AS booked_at,
  CASE WHEN range = 9 THEN NULL ELSE DATE '2024-01-01' + range::INTEGER END AS day, range / 3 AS amount, range::INTEGER AS nights,
  range * 5000000000 AS total, range / 7 AS score, 1.5 AS weight, range % 2 = 0 AS late FROM range(90)`

const NONE = 'SELECT 1 AS nights WHERE false'

/** What every lakehouse does, whichever engine and catalog it has. */
export function describeLakehouse(kind: string, open: () => Promise<TestLakehouse>): void {
  describe(`${kind}: tables`, () => {
    it('are created with their columns, partitions and properties', async () => {
      const { lakehouse } = await open()
      expect(await lakehouse.table('silver.bookings')).toBeUndefined()
      const created = await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      const { location, ...state } = created
      expect(state).toEqual({
        name: 'silver.bookings',
        ...BOOKINGS,
        rowCount: 0,
        fileCount: 0,
        sizeBytes: 0,
      })
      expect(location).toMatch(/\/lakehouse\/silver\/bookings$/)
      expect(await lakehouse.table('silver.bookings')).toEqual(created)
      expect(await lakehouse.ensureTable('silver.bookings', BOOKINGS)).toEqual(created)
    })

    it('are listed by name', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.b', { columns: [{ name: 'a', type: 'int' }] })
      await lakehouse.ensureTable('bronze.z', { columns: [{ name: 'a', type: 'int' }] })
      expect((await lakehouse.tables()).map(({ name }) => name)).toEqual(['bronze.z', 'silver.b'])
    })

    it('give typed columns without rows before the first commit', async () => {
      const { lakehouse, engine } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      const frame = await engine.query(`SELECT * FROM ${await lakehouse.relation('silver.bookings')}`)
      expect(frame.rowCount).toBe(0)
      expect([...frame.columns].map(([name, { type }]) => `${name} ${type}`)).toEqual([
        'booking_id string',
        'booked_at timestamp',
        'day date',
        'amount double',
        'nights int',
        'total long',
        'score double',
        'weight double',
        'late boolean',
      ])
    })

    it('get columns added, which are null in older rows', async () => {
      const { lakehouse, rows } = await open()
      await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
      await lakehouse.append('silver.t', 'SELECT 1 AS a', commit())
      const wider = {
        columns: [
          { name: 'a', type: 'int' },
          { name: 'b', type: 'string' },
        ],
      } as const
      const state = await lakehouse.ensureTable('silver.t', wider)
      expect(state.columns).toEqual(wider.columns)
      expect(await rows('SELECT * FROM {silver.t}')).toEqual([{ a: 1, b: null }])
      await lakehouse.append('silver.t', "SELECT 'x' AS b, 2 AS a", commit())
      expect(await rows('SELECT * FROM {silver.t} ORDER BY a')).toEqual([
        { a: 1, b: null },
        { a: 2, b: 'x' },
      ])
      expect((await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })).columns).toHaveLength(
        2,
      )
    })

    it('get properties set and changed', async () => {
      const { lakehouse } = await open()
      const columns = [{ name: 'a', type: 'int' }] as const
      await lakehouse.ensureTable('silver.t', { columns, properties: { a: '1', b: '1' } })
      expect((await lakehouse.ensureTable('silver.t', { columns, properties: { b: '2' } })).properties).toEqual({
        a: '1',
        b: '2',
      })
    })

    it('refuse another type, another partitioning and a required column beside rows', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      await lakehouse.append('silver.bookings', ROWS, commit())
      const refused = (definition: TableDefinition) =>
        expect(lakehouse.ensureTable('silver.bookings', definition)).rejects.toMatchObject({
          code: 'ESTEIRA_UNSUPPORTED',
        })
      await refused({ columns: [{ name: 'nights', type: 'long' }] })
      await refused({ ...BOOKINGS, partitionBy: [{ column: 'day', transform: 'day' }] })
      await refused({ columns: [{ name: 'new', type: 'int', required: true }] })
      expect((await lakehouse.table('silver.bookings'))?.columns).toEqual(BOOKINGS.columns)
    })

    it('refuse definitions that make no table', async () => {
      const { lakehouse } = await open()
      const refused = (name: string, definition: TableDefinition) =>
        expect(lakehouse.ensureTable(name, definition)).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
      const a = { name: 'a', type: 'int' } as const
      await refused('no_database', { columns: [a] })
      await refused('../up.t', { columns: [a] })
      await refused('silver.t', { columns: [] })
      await refused('silver.t', { columns: [a, { name: 'A', type: 'int' }] })
      await refused('silver.t', { columns: [{ name: 'd', type: 'decimal(39,2)' }] })
      await refused('silver.t', { columns: [a], partitionBy: [{ column: 'a', transform: 'month' }] })
      await refused('silver.t', { columns: [a], partitionBy: [{ column: 'b', transform: 'identity' }] })
    })

    it('that do not exist are named, with a likely name', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      const missing = { code: 'ESTEIRA_TABLE_MISSING', hint: 'Did you mean silver.bookings?' }
      await expect(lakehouse.relation('silver.bookins')).rejects.toMatchObject(missing)
      await expect(lakehouse.append('silver.bookins', ROWS, commit())).rejects.toMatchObject(missing)
      await expect(lakehouse.replace('silver.bookins', [], ROWS, commit())).rejects.toMatchObject(missing)
      await expect(lakehouse.snapshots('silver.bookins')).rejects.toMatchObject(missing)
    })
  })

  describe(`${kind}: append`, () => {
    it('adds rows matched by name and cast to the columns', async () => {
      const { lakehouse, rows } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      const result = await lakehouse.append('silver.bookings', ROWS, commit())
      expect(result).toEqual({
        snapshotId: expect.stringMatching(/^\d+$/),
        rowsAdded: 90,
        rowsRemoved: 0,
        committed: true,
      })
      expect(await rows('SELECT * FROM {silver.bookings} WHERE nights = 10')).toEqual([
        {
          booking_id: 'b10',
          booked_at: '2024-01-11 10:00:00.123000',
          day: '2024-01-11',
          amount: 3.3333,
          nights: 10,
          total: 50_000_000_000,
          score: 10 / 7,
          weight: 1.5,
          late: true,
        },
      ])
      expect(
        await rows('SELECT count(*) AS n, count(day) AS days, sum(total) AS total FROM {silver.bookings}'),
      ).toEqual([{ n: 90, days: 89, total: 5_000_000_000 * 4005 }])
      const state = await lakehouse.table('silver.bookings')
      expect(state).toMatchObject({ rowCount: 90, snapshotId: result.snapshotId })
      expect(state?.fileCount).toBe(4)
    })

    it('gives null for missing columns and takes names without regard to case', async () => {
      const { lakehouse, rows } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      await lakehouse.append('silver.bookings', 'SELECT \'x\' AS BOOKING_ID, 1 AS "Nights"', commit())
      expect(await rows('SELECT booking_id, nights, day, late FROM {silver.bookings}')).toEqual([
        { booking_id: 'x', nights: 1, day: null, late: null },
      ])
    })

    it('takes a statement with a comment at its end and a WITH at its start', async () => {
      const { lakehouse, rows } = await open()
      await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
      await lakehouse.append('silver.t', 'WITH x AS (SELECT 1 AS a)\nSELECT a FROM x -- all of it', commit())
      expect(await rows('SELECT a FROM {silver.t}')).toEqual([{ a: 1 }])
    })

    it('refuses a column that the table does not have, and names the likely one', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      await expect(
        lakehouse.append('silver.bookings', "SELECT 'x' AS booking_id, 1 AS nigts", commit()),
      ).rejects.toMatchObject({
        code: 'ESTEIRA_COLUMN_MISSING',
        message: expect.stringContaining('nigts'),
        hint: 'Did you mean nights?',
      })
    })

    it('refuses a null in a required column and a value that is none of the type, and changes nothing', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      await lakehouse.append('silver.bookings', ROWS, commit())
      const before = await lakehouse.table('silver.bookings')
      await expect(
        lakehouse.append('silver.bookings', `SELECT NULL AS booking_id, 1 AS nights UNION ALL SELECT 'y', 2`, commit()),
      ).rejects.toMatchObject({
        code: 'ESTEIRA_COLUMN_NULL',
        exitCode: 65,
        message: expect.stringMatching(/booking_id.*1 rows/),
      })
      await expect(
        lakehouse.append('silver.bookings', "SELECT 'y' AS booking_id, 'many' AS nights", commit()),
      ).rejects.toMatchObject({
        code: 'ESTEIRA_SQL',
        message: expect.stringContaining('many'),
      })
      expect(await lakehouse.table('silver.bookings')).toEqual(before)
    })

    it('commits nothing when there are no rows', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      expect(await lakehouse.append('silver.bookings', NONE, commit())).toEqual({
        rowsAdded: 0,
        rowsRemoved: 0,
        committed: false,
      })
      expect(await lakehouse.snapshots('silver.bookings')).toEqual([])
    })

    it('is one commit for one commit id', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      const first = await lakehouse.append('silver.bookings', ROWS, commit('ingest-1'))
      await lakehouse.append('silver.bookings', ROWS, commit('ingest-2'))
      const again = await lakehouse.append('silver.bookings', `${ROWS} UNION ALL ${ROWS}`, commit('ingest-1'))
      expect(again).toEqual({ ...first, committed: false })
      expect((await lakehouse.table('silver.bookings'))?.rowCount).toBe(180)
    })

    it('names its run, its commit and further facts in the snapshot', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
      const properties = { 'esteira.step': 'ingest_raw' }
      await lakehouse.append('silver.t', 'SELECT 1 AS a', { commitId: 'c1', runId: 'r1', properties })
      const [snapshot] = await lakehouse.snapshots('silver.t')
      expect(snapshot).toMatchObject({
        operation: 'append',
        summary: {
          'esteira.commit-id': 'c1',
          'esteira.run-id': 'r1',
          'esteira.step': 'ingest_raw',
          'added-records': '1',
          'total-records': '1',
        },
      })
      expect(snapshot?.parentId).toBeUndefined()
    })

    it('does nothing when its signal has aborted', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      const signal = AbortSignal.abort()
      await expect(lakehouse.append('silver.bookings', ROWS, { ...commit(), signal })).rejects.toMatchObject({
        code: 'ESTEIRA_INTERRUPTED',
      })
      expect(await lakehouse.snapshots('silver.bookings')).toEqual([])
    })

    it('can read the table that it writes to', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.bookings', BOOKINGS)
      await lakehouse.append('silver.bookings', ROWS, commit())
      await lakehouse.append(
        'silver.bookings',
        `SELECT * FROM ${await lakehouse.relation('silver.bookings')}`,
        commit(),
      )
      expect((await lakehouse.table('silver.bookings'))?.rowCount).toBe(180)
    })
  })

  describe(`${kind}: versions`, () => {
    it('stay readable by snapshot id and by time', async () => {
      const { lakehouse, engine } = await open()
      await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
      const first = await lakehouse.append('silver.t', 'SELECT 1 AS a', commit())
      const between = (await lakehouse.snapshots('silver.t'))[0]?.committedAt ?? new Date(0)
      await lakehouse.ensureTable('silver.t', {
        columns: [
          { name: 'a', type: 'int' },
          { name: 'b', type: 'int' },
        ],
      })
      // A moment later, whatever the clock's resolution: the second commit must not carry the first one's time.
      while (Date.now() <= between.getTime()) await new Promise((resolve) => setImmediate(resolve))
      await lakehouse.replace('silver.t', [], 'SELECT 2 AS a UNION ALL SELECT 3', commit())
      const read = async (relation: string) => {
        const frame = await engine.query(`SELECT * FROM ${relation}`)
        return [[...frame.columns.keys()].join(), frame.rowCount]
      }
      expect(await read(await lakehouse.relation('silver.t'))).toEqual(['a,b', 2])
      expect(await read(await lakehouse.relation('silver.t', { snapshotId: first.snapshotId ?? '' }))).toEqual(['a', 1])
      expect(await read(await lakehouse.relation('silver.t', { asOf: between }))).toEqual(['a', 1])
      expect(await read(await lakehouse.relation('silver.t', { asOf: new Date('2999-01-01') }))).toEqual(['a,b', 2])
    })

    it('that do not exist are refused', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
      await lakehouse.append('silver.t', 'SELECT 1 AS a', commit())
      const refused = { code: 'ESTEIRA_TABLE_MISSING' }
      await expect(lakehouse.relation('silver.t', { snapshotId: '1' })).rejects.toMatchObject(refused)
      await expect(lakehouse.relation('silver.t', { snapshotId: 'x' })).rejects.toMatchObject(refused)
      await expect(lakehouse.relation('silver.t', { asOf: new Date('1999-01-01') })).rejects.toMatchObject(refused)
    })

    it('are chained by their parents, oldest first', async () => {
      const { lakehouse } = await open()
      await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
      for (const value of [1, 2, 3]) await lakehouse.append('silver.t', `SELECT ${value} AS a`, commit())
      const snapshots = await lakehouse.snapshots('silver.t')
      expect(snapshots.map(({ parentId }) => parentId)).toEqual([
        undefined,
        snapshots[0]?.snapshotId,
        snapshots[1]?.snapshotId,
      ])
    })

    it('of a relation are resolved once: later commits do not change it', async () => {
      const { lakehouse, engine } = await open()
      await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
      await lakehouse.append('silver.t', 'SELECT 1 AS a', commit())
      const relation = await lakehouse.relation('silver.t')
      await lakehouse.replace('silver.t', [], 'SELECT 2 AS a', commit())
      expect((await engine.query(`SELECT a FROM ${relation}`)).columns.get('a')?.values[0]).toBe(1)
    })
  })

  describe(`${kind}: staged Parquet`, () => {
    it('keeps rows, types and order, and reads back', async () => {
      const { lakehouse, engine } = await open()
      const written = await lakehouse.writeParquet(
        'staging/run-1/features.parquet',
        'SELECT range AS n FROM range(100000) ORDER BY n DESC',
      )
      expect(written).toMatchObject({ key: 'staging/run-1/features.parquet', rowCount: 100_000 })
      expect(written.sizeBytes).toBeGreaterThan(1000)
      const frame = await engine.query(`SELECT n FROM ${await lakehouse.parquet(written.key)}`)
      expect(frame.columns.get('n')?.values[0]).toBe(99_999n)
      expect(frame.rowCount).toBe(100_000)
    })

    it('is replaced whole, and stays when writing fails', async () => {
      const { lakehouse, engine } = await open()
      await lakehouse.writeParquet('a.parquet', 'SELECT 1 AS n')
      await lakehouse.writeParquet('a.parquet', 'SELECT 2 AS n')
      await expect(lakehouse.writeParquet('a.parquet', "SELECT error('no') AS n")).rejects.toMatchObject({
        code: 'ESTEIRA_SQL',
      })
      expect(
        (await engine.query(`SELECT n FROM ${await lakehouse.parquet('a.parquet')}`)).columns.get('n')?.values[0],
      ).toBe(2)
    })

    it('takes columns held in memory, a whole frame of no rows too', async () => {
      const { lakehouse, engine } = await open()
      const frame = await engine.query("SELECT range AS n, 'x' AS s FROM range(3000)")
      expect(await lakehouse.writeFrames('p.parquet', [frame, frame])).toMatchObject({ rowCount: 6000 })
      const read = await engine.query(`SELECT count(*) AS c, sum(n) AS s FROM ${await lakehouse.parquet('p.parquet')}`)
      expect([read.columns.get('c')?.values[0], read.columns.get('s')?.values[0]]).toEqual([6000n, 8_997_000])
      const none = await engine.query("SELECT 1 AS n, 'x' AS s WHERE false")
      expect(await lakehouse.writeFrames('none.parquet', [none])).toMatchObject({ rowCount: 0 })
      expect([
        ...(await engine.query(`SELECT * FROM ${await lakehouse.parquet('none.parquet')}`)).columns.keys(),
      ]).toEqual(['n', 's'])
    })

    it('refuses keys that leave the store and files that are not there', async () => {
      const { lakehouse } = await open()
      for (const key of ['../a.parquet', '/a.parquet', 'a//b', '']) {
        await expect(lakehouse.writeParquet(key, 'SELECT 1')).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
      }
      await expect(lakehouse.parquet('nothing.parquet')).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_MISSING' })
    })
  })
}
