import { columnOf, type Frame, isNull, valueAt } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { openTestEngine } from './test-lakehouse.js'

function values(frame: Frame, name: string): unknown[] {
  const column = columnOf(frame, name)
  return Array.from({ length: frame.rowCount }, (_, row) => (isNull(column, row) ? null : column.values[row]))
}

describe('DuckDB as a SQL engine', () => {
  it('gives each type its column', async () => {
    const engine = await openTestEngine()
    const frame = await engine.query(`SELECT
      true AS "boolean", 1::TINYINT AS "tiny", 200::UTINYINT AS "utiny", -3::SMALLINT AS "small", 60000::USMALLINT AS "usmall",
      (-2147483648)::INTEGER AS "int", 4294967295::UINTEGER AS "uint", 9223372036854775807 AS "long",
      18446744073709551615::UBIGINT AS "ulong", 2::HUGEINT ** 100 AS "power", 170141183460469231731687303715884105727::HUGEINT AS "huge",
      1.5::FLOAT AS "float", 0.1::DOUBLE AS "double", 'olá 😀' AS "text", DATE '1969-12-31' AS "date", NULL AS "nothing",
      '9f2b0a4e-7d2c-4ef4-9a47-2f6d4b1c1b1a'::UUID AS "uuid", TIME '10:11:12' AS "time", [1, 2] AS "list", [1.5::DECIMAL(3,1)] AS "decimals",
      {'a': 1} AS "struct", 'x'::ENUM('x', 'y') AS "enum"`)
    const seen = [...frame.columns].map(([name, { type }]) => [name, type, valueAt(columnOf(frame, name), 0)])
    expect(seen).toEqual([
      ['boolean', 'boolean', true],
      ['tiny', 'int', 1],
      ['utiny', 'int', 200],
      ['small', 'int', -3],
      ['usmall', 'int', 60000],
      ['int', 'int', -2147483648],
      ['uint', 'long', 4294967295],
      ['long', 'long', '9223372036854775807'],
      ['ulong', 'double', 18446744073709552000],
      ['power', 'double', 2 ** 100],
      ['huge', 'double', 2 ** 127],
      ['float', 'double', 1.5],
      ['double', 'double', 0.1],
      ['text', 'string', 'olá 😀'],
      ['date', 'date', '1969-12-31'],
      ['nothing', 'int', null],
      ['uuid', 'string', '9f2b0a4e-7d2c-4ef4-9a47-2f6d4b1c1b1a'],
      ['time', 'string', '10:11:12'],
      ['list', 'string', '[1, 2]'],
      ['decimals', 'string', '[1.5]'],
      ['struct', 'string', '{"a": 1}'],
      ['enum', 'string', 'x'],
    ])
  })

  it('gives timestamps of every precision and zone as microseconds, rounded down', async () => {
    const engine = await openTestEngine()
    const frame =
      await engine.query(`SELECT TIMESTAMP '1969-12-31 23:59:59.999999' AS micros, TIMESTAMP_S '2024-02-29 12:00:00' AS s,
      TIMESTAMP_MS '1969-12-31 23:59:59.999' AS ms, TIMESTAMP_NS '1969-12-31 23:59:59.999999999' AS ns,
      TIMESTAMPTZ '2024-01-01 00:00:00-03' AS tz`)
    expect([...frame.columns.values()].map(({ type, values: [micros] }) => [type, micros])).toEqual([
      ['timestamp', -1n],
      ['timestamp', 1709208000000000n],
      ['timestamp', -1000n],
      ['timestamp', -1n],
      ['timestamp', 1704078000000000n],
    ])
  })

  it('gives decimals as the nearest double', async () => {
    const engine = await openTestEngine()
    const texts = [
      '0.1',
      '-123456789.123456789',
      '12345678901234567890123456789.0123456789',
      '0.0000000000000000000000000000000000001',
    ]
    const types = ['DECIMAL(4,1)', 'DECIMAL(18,9)', 'DECIMAL(38,9)', 'DECIMAL(38,37)']
    const select = texts.map((text, index) => `CAST('${text}' AS ${types[index]}) AS d${index}`).join(', ')
    const frame = await engine.query(`SELECT ${select}`)
    expect([...frame.columns.values()].map(({ values: [value] }) => value)).toEqual(texts.map(Number))
  })

  it('marks nulls and leaves the mask out where there are none', async () => {
    const engine = await openTestEngine()
    const frame = await engine.query(
      'SELECT range AS n, CASE WHEN range % 3 = 0 THEN NULL ELSE range::VARCHAR END AS t FROM range(5000)',
    )
    expect(columnOf(frame, 'n').nulls).toBeUndefined()
    const { nulls } = columnOf(frame, 't')
    expect(nulls?.length).toBe(5000)
    expect(nulls?.every((mark, row) => mark === (row % 3 === 0 ? 1 : 0))).toBe(true)
    expect(values(frame, 't').slice(4096, 4099)).toEqual(['4096', '4097', null])
  })

  it('gives typed columns for no rows', async () => {
    const engine = await openTestEngine()
    const frame = await engine.query("SELECT 1 AS a, 'x' AS b WHERE false")
    expect(frame.rowCount).toBe(0)
    expect(
      [...frame.columns].map(
        ([
          name,
          {
            type,
            values: { length },
          },
        ]) => [name, type, length],
      ),
    ).toEqual([
      ['a', 'int', 0],
      ['b', 'string', 0],
    ])
  })

  it('keeps the order of rows through subqueries and many threads', async () => {
    const engine = await openTestEngine()
    const frame = await engine.query(
      'SELECT n + 1 AS n FROM (SELECT range AS n FROM range(300000) ORDER BY range DESC)',
    )
    const column = columnOf(frame, 'n').values
    expect(frame.rowCount).toBe(300_000)
    expect(column[0]).toBe(300_000n)
    expect((column as BigInt64Array).every((value, row) => value === BigInt(300_000 - row))).toBe(true)
  })

  it('works in UTC and compares moments with zone in it', async () => {
    const engine = await openTestEngine()
    const frame = await engine.query(
      "SELECT CAST(TIMESTAMPTZ '2024-06-01 00:30:00+02' AS DATE) AS day, current_setting('TimeZone') AS zone",
    )
    expect(valueAt(columnOf(frame, 'day'), 0)).toBe('2024-05-31')
    expect(values(frame, 'zone')).toEqual(['UTC'])
  })

  it('streams a long result in bounded pieces, in order', async () => {
    const engine = await openTestEngine()
    const sizes: number[] = []
    let next = 0n
    let ordered = true
    for await (const piece of engine.stream('SELECT range AS n FROM range(200000)')) {
      sizes.push(piece.rowCount)
      ordered &&= (columnOf(piece, 'n').values as BigInt64Array).every((value) => value === next++)
    }
    expect([next, ordered]).toEqual([200_000n, true])
    expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536)
    expect(sizes.length).toBeGreaterThan(3)
  })

  it('streams the columns of an empty result once', async () => {
    const engine = await openTestEngine()
    const pieces: Frame[] = []
    for await (const piece of engine.stream('SELECT 1 AS a WHERE false')) pieces.push(piece)
    expect(pieces.map(({ rowCount, columns }) => [rowCount, [...columns.keys()]])).toEqual([[0, ['a']]])
  })

  it('can be left in the middle of a stream and used again', async () => {
    const engine = await openTestEngine()
    for await (const piece of engine.stream('SELECT range AS n FROM range(10000000)')) {
      expect(piece.rowCount).toBeGreaterThan(0)
      break
    }
    expect(values(await engine.query('SELECT 1 AS a'), 'a')).toEqual([1])
  })

  it('runs statements at the same time and shares views between them', async () => {
    const engine = await openTestEngine()
    await engine.query('CREATE VIEW numbers AS SELECT range AS n FROM range(1000)')
    const sums = await Promise.all(
      Array.from({ length: 8 }, (_, k) => engine.query(`SELECT sum(n) + ${k} AS s FROM numbers`)),
    )
    expect(sums.map((frame) => values(frame, 's')[0])).toEqual(Array.from({ length: 8 }, (_, k) => 499_500 + k))
  })

  it('ends a statement when its signal aborts, and only that one', async () => {
    const engine = await openTestEngine()
    const control = new AbortController()
    const long = engine.query(
      'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11',
      { signal: control.signal },
    )
    const other = engine.query('SELECT sum(range) AS s FROM range(3000000)')
    control.abort()
    await expect(long).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED', exitCode: 75 })
    expect(values(await other, 's')).toEqual([4499998500000])
    await expect(engine.query('SELECT 1', { signal: control.signal })).rejects.toMatchObject({
      code: 'ESTEIRA_INTERRUPTED',
    })
  })

  it('ends a stream when its signal aborts', async () => {
    const engine = await openTestEngine()
    const control = new AbortController()
    const read = async () => {
      for await (const piece of engine.stream('SELECT range AS n FROM range(100000000)', { signal: control.signal })) {
        expect(piece.rowCount).toBeGreaterThan(0)
        control.abort()
      }
    }
    await expect(read()).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
  })

  it('fails when a streamed statement fails in the middle, and never gives fewer rows', async () => {
    const engine = await openTestEngine()
    const read = async () => {
      let rows = 0
      const sql =
        "SELECT CASE WHEN range = 500000 THEN error('row 500000 is bad') ELSE range END AS n FROM range(1000000)"
      for await (const piece of engine.stream(sql)) rows += piece.rowCount
      return rows
    }
    await expect(read()).rejects.toMatchObject({
      code: 'ESTEIRA_SQL',
      message: expect.stringContaining('row 500000 is bad'),
    })
  })

  it('streams a sorted result in its order, with nulls at the end of it', async () => {
    const engine = await openTestEngine()
    const seen: unknown[] = []
    const sql = 'SELECT CASE WHEN range < 3 THEN NULL ELSE range END AS n FROM range(150000) ORDER BY n DESC NULLS LAST'
    for await (const piece of engine.stream(sql)) seen.push(...values(piece, 'n'))
    expect(seen.length).toBe(150_000)
    expect(seen.slice(0, 2)).toEqual([149_999n, 149_998n])
    expect(seen.slice(-4)).toEqual([3n, null, null, null])
  })

  it('refuses a wrong statement with the message of DuckDB and no stack', async () => {
    const engine = await openTestEngine()
    const failure = await engine.query('SELECT no_such_column FROM range(3)').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'ESTEIRA_SQL', exitCode: 64 })
    expect(String(failure)).toContain('no_such_column')
    expect(String(failure)).not.toMatch(/\n\s+at /)
  })

  it('refuses a Parquet file that is none', async () => {
    const engine = await openTestEngine()
    await expect(engine.query(`SELECT * FROM read_parquet('${import.meta.filename}')`)).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_CORRUPT',
      message: expect.stringContaining('duckdb-engine.test.ts'),
    })
  })

  it('puts columns held in memory into SQL, every type, null and NaN', async () => {
    const engine = await openTestEngine()
    const source = `SELECT range % 2 = 0 AS b, range::INTEGER AS i, range * 4000000000 AS l, CASE WHEN range = 2 THEN 'nan' ELSE range / 3 END::DOUBLE AS d,
      CASE WHEN range % 5 = 0 THEN NULL ELSE 'ü' || range END AS s, DATE '1969-12-30' + range::INTEGER AS day,
      TIMESTAMP '1969-12-31 23:59:59.5' + INTERVAL (range) MILLISECOND AS ts FROM range(5000)`
    const pieces = engine.stream(source)
    const result = await engine.withFrames(pieces, (relation) =>
      engine.query(
        `SELECT count(*) AS n, count(s) AS filled FROM (SELECT * FROM ${relation} INTERSECT SELECT * FROM (${source}))`,
      ),
    )
    expect([values(result, 'n'), values(result, 'filled')]).toEqual([[5000n], [4000n]])
  })

  it('refuses frames whose columns differ, and no frame at all', async () => {
    const engine = await openTestEngine()
    const frames = [await engine.query('SELECT 1 AS a'), await engine.query("SELECT 'x' AS a")]
    const use = async (relation: string) => relation
    await expect(engine.withFrames(frames, use)).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(engine.withFrames([], use)).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
  })
})
