import { entity, LINE_NUMBER } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { csv, HEADER, shopView, viewOf } from './shop-view.js'
import { openTestPipeline } from './test-pipeline.js'

const GOOD = csv('o1,c1,2024-01-05 10:00:00,12.50,SUV', 'o2,c2,2024-02-06 11:30:00,7,')

describe('ingestion', () => {
  it('keeps what came, with its line, file and time', async () => {
    const { write, ingest, rows } = await openTestPipeline(shopView())
    const result = await ingest(await write('orders.csv', GOOD), { at: '2024-03-01T12:00:00.500Z' })
    expect(result).toMatchObject({ table: 'bronze.shop_orders', rowsIn: 2, rowsAdded: 2, isKnownContent: false })
    expect(await rows('SELECT * EXCLUDE (_content_hash) FROM {bronze.shop_orders} ORDER BY _line')).toEqual([
      {
        order_id: 'o1',
        customer_id: 'c1',
        ordered_at: '2024-01-05 10:00:00',
        amount: '12.50',
        category: 'SUV',
        _line: 1,
        _event_date: '2024-01-05',
        _file: 'orders.csv',
        _ingested_at: '2024-03-01 12:00:00.500000',
      },
      expect.objectContaining({ order_id: 'o2', amount: '7', category: null, _line: 2, _event_date: '2024-02-06' }),
    ])
  })

  it('adds nothing when the same content comes again, under any name', async () => {
    const { write, ingest, snapshots } = await openTestPipeline(shopView())
    const first = await ingest(await write('orders.csv', GOOD))
    const before = await snapshots()
    const again = await ingest(await write('copy.csv', GOOD), { at: '2024-06-01T00:00:00Z' })
    expect(again).toMatchObject({ rowsIn: 2, rowsAdded: 0, isKnownContent: true, snapshotId: first.snapshotId })
    expect(await snapshots()).toEqual(before)
  })

  it('adds the rows of a file that has grown', async () => {
    const { write, ingest, rows } = await openTestPipeline(shopView())
    await ingest(await write('orders.csv', GOOD))
    const grown = await ingest(await write('orders.csv', `${GOOD}o3,c3,2024-03-01 00:00:00,1,\n`))
    expect(grown).toMatchObject({ rowsIn: 3, rowsAdded: 3 })
    expect(await rows('SELECT count(*) AS n FROM {bronze.shop_orders}')).toEqual([{ n: 5 }])
  })

  it('reads quotes, commas, line breaks and CRLF, and leaves undeclared columns out', async () => {
    const { write, ingest, rows, warnings } = await openTestPipeline(shopView())
    const text = `note,${HEADER}\r\n"a ""b""",o1,c1,2024-01-05,1,"x, y\nz"\r\n\r\n,o2,c2,2024-01-06,2,\r\n`
    await ingest(await write('orders.csv', text))
    expect(await rows('SELECT order_id, category, _line FROM {bronze.shop_orders} ORDER BY _line')).toEqual([
      { order_id: 'o1', category: 'x, y\nz', _line: 1 },
      { order_id: 'o2', category: null, _line: 2 },
    ])
    expect(warnings).toEqual(['orders.csv: undeclared columns are left out: note'])
  })

  it('reads columns aligned with white space, their line the key', async () => {
    const columns = {
      customer_id: 'string',
      date: { type: 'date', format: '%Y%m%d' },
      amount: 'decimal(18,4)',
      category: 'string?',
    }
    const view = viewOf({ format: 'whitespace', key: LINE_NUMBER, time: 'date', columns })
    const { write, ingest, process, rows } = await openTestPipeline(view)
    await ingest(
      await write(
        'orders.txt',
        '  customer_id  date   amount category\n 00001 19970101  11.77  a\n 00001 19970101  11.77  a\n',
      ),
    )
    expect(await process('1998-01-01')).toMatchObject({ rowsIn: 2, rowsKept: 2, dropped: {} })
    expect(await rows('SELECT customer_id, date, amount FROM {silver.shop_orders}')).toEqual(
      Array.from({ length: 2 }, () => ({ customer_id: '00001', date: '1997-01-01', amount: 11.77 })),
    )
  })

  it('reads Parquet', async () => {
    const { home, lakehouse, ingest, rows } = await openTestPipeline(viewOf({ format: 'parquet' }))
    const path = `${home}/orders.parquet`
    const select = `SELECT 'o' || range AS order_id, 'c1' AS customer_id, TIMESTAMP '2024-01-05 10:00:00' AS ordered_at, range / 8 AS amount, NULL::VARCHAR AS category FROM range(3)`
    await lakehouse.engine.query(`COPY (${select}) TO '${path}' (FORMAT parquet)`)
    expect(await ingest(path)).toMatchObject({ rowsIn: 3, rowsAdded: 3 })
    expect(await rows('SELECT amount FROM {bronze.shop_orders} ORDER BY _line')).toEqual([
      { amount: '0.0' },
      { amount: '0.125' },
      { amount: '0.25' },
    ])
  })
})

describe('a refused file', () => {
  const refuse = async (content: string | Uint8Array, changed: object = {}) => {
    const pipeline = await openTestPipeline(viewOf(changed))
    const path = await pipeline.write('orders.csv', content)
    const error = await pipeline.ingest(path).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    expect(await pipeline.lakehouse.tables()).toEqual([])
    return error
  }

  it('of a wrong type is told with file, line, column, value and what to do', async () => {
    const error = await refuse(csv('o1,c1,2024-01-05,1,', 'o2,c1,2024-01-05,"12,50",', 'o3,c1,2024-01-05,x,'))
    expect(error).toMatchObject({
      code: 'ESTEIRA_SOURCE_TYPE',
      exitCode: 65,
      message:
        'sources.orders: column "amount" of orders.csv, line 3: expected decimal(18,4), found "12,50"\n1 more like this (lines 4).',
      hint: expect.stringContaining('decimal commas'),
      details: expect.objectContaining({ column: 'amount', faults: 2, values: ['12,50', 'x'] }),
    })
  })

  it('shows each kind of value that is none of its type', async () => {
    const columns = {
      order_id: 'string',
      customer_id: 'string',
      ordered_at: 'timestamp',
      amount: 'decimal(18,4)',
      category: 'string?',
    }
    for (const [type, value] of [
      ['int', '1.5'],
      ['int', '3000000000'],
      ['long', '1e3'],
      ['double', 'nan'],
      ['double', 'inf'],
      ['boolean', 'maybe'],
      ['date', '2024-02-30'],
      ['timestamp', '2024-01-05 25:00:00'],
    ]) {
      const error = await refuse(csv(`o1,c1,2024-01-05,1,${value}`), {
        columns: { ...columns, category: type },
        standardize: [],
      })
      expect(error).toMatchObject({
        code: 'ESTEIRA_SOURCE_TYPE',
        message: expect.stringContaining(`expected ${type}, found "${value}"`),
      })
    }
  })

  it('without a declared column names the nearest one', async () => {
    expect(await refuse('order_id,customer_id,ordered_at,amuont,category\no1,c1,2024-01-05,1,\n')).toMatchObject({
      code: 'ESTEIRA_SOURCE_FORMAT',
      message: expect.stringContaining('orders.csv has no column "amount"; it has order_id, customer_id'),
      hint: 'Did you mean "amuont"?',
    })
  })

  it('that is empty or has only a header is refused', async () => {
    expect(await refuse('')).toMatchObject({
      code: 'ESTEIRA_SOURCE_EMPTY',
      message: expect.stringContaining('0 bytes'),
    })
    expect(await refuse(csv())).toMatchObject({
      code: 'ESTEIRA_SOURCE_EMPTY',
      message: 'sources.orders: orders.csv has a header and no rows',
    })
  })

  it('with a broken row is told by its line, without the row', async () => {
    const error = await refuse(csv('o1,c1,2024-01-05,1,', 'secret-value,c1'))
    expect(error).toMatchObject({
      code: 'ESTEIRA_SOURCE_FORMAT',
      message: 'sources.orders: orders.csv cannot be read as csv: line 3: expected 5 columns, found 2',
    })
    const open = await refuse(csv('o1,c1,2024-01-05,1,"never closed'))
    expect(open).toMatchObject({
      code: 'ESTEIRA_SOURCE_FORMAT',
      message: expect.stringContaining('line 2: Value with unterminated quote'),
    })
    const latin = await refuse(Buffer.from(csv('o1,c1,2024-01-05,1,caf\xe9'), 'latin1'))
    expect(latin).toMatchObject({ code: 'ESTEIRA_SOURCE_FORMAT', message: expect.stringContaining('Invalid unicode') })
  })

  it('that is binary, or Parquet that is cut off, is refused', async () => {
    const zeros = Buffer.concat([Buffer.from('order_id\0'), Buffer.alloc(64)])
    expect(await refuse(zeros)).toMatchObject({
      code: 'ESTEIRA_SOURCE_FORMAT',
      message: 'sources.orders: orders.csv is binary; expected csv text',
    })
    const parquet = Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(40, 7), Buffer.from('PAR1')])
    expect(await refuse(parquet)).toMatchObject({
      code: 'ESTEIRA_SOURCE_FORMAT',
      message: expect.stringContaining('binary'),
    })
    const cut = await refuse(parquet, { format: 'parquet' })
    expect(cut).toMatchObject({ code: 'ESTEIRA_SOURCE_FORMAT', hint: expect.stringContaining('truncated copy') })
  })

  it('that is not there is told with how to make one', async () => {
    const { home, ingest } = await openTestPipeline(viewOf({}))
    await expect(ingest(`${home}/nowhere.csv`)).rejects.toMatchObject({
      code: 'ESTEIRA_SOURCE_MISSING',
      exitCode: 64,
      message: `sources.orders: no file at ${home}/nowhere.csv`,
      hint: expect.stringContaining('--source FILE'),
    })
    await expect(ingest(home)).rejects.toMatchObject({
      code: 'ESTEIRA_SOURCE_MISSING',
      message: expect.stringContaining('found a folder'),
    })
  })

  it('leaves an earlier good one as it is', async () => {
    const { write, ingest, snapshots } = await openTestPipeline(viewOf({ entity: entity('customer_id') }))
    await ingest(await write('orders.csv', GOOD))
    const before = await snapshots()
    await expect(ingest(await write('orders.csv', csv('o1,c1,2024-01-05,x,')))).rejects.toThrow('found "x"')
    expect(await snapshots()).toEqual(before)
  })
})
