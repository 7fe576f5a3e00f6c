import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csv, viewOf } from './shop-view.js'
import { openTestPipeline } from './test-pipeline.js'

const RUN_DAY = '2024-03-01'

async function processed(rows: readonly string[], changed: object = {}, runDay = RUN_DAY) {
  const pipeline = await openTestPipeline(viewOf(changed))
  await pipeline.ingest(await pipeline.write('orders.csv', csv(...rows)))
  const result = await pipeline.process(runDay)
  return { ...pipeline, result }
}

/** Why a row is dropped, in the order of the columns, then the day; '' when it is none of these. */
function judge(row: { key: string; customer: string; day: string; amount: string }): string {
  if (row.key === '') return 'missing_order_id'
  if (row.customer === '') return 'missing_customer_id'
  if (row.day === '') return 'missing_ordered_at'
  if (row.amount === '') return 'missing_amount'
  return row.day >= RUN_DAY ? 'future' : ''
}

describe('silver', () => {
  it('is typed, standardized, unique and knows refunds', async () => {
    const { result, rows } = await processed([
      'o1,c1,2024-01-05 10:00:00.123456,12.5,  São-Paulo  SUV ',
      'o2, c2 ,2024-01-06,-3,',
      'o3,c1,2024-01-07,0,VAN',
    ])
    expect(result).toMatchObject({ rowsIn: 3, rowsKept: 3, dropped: {} })
    const columns = 'order_id, customer_id, amount, category, local_ts, is_refund, _line'
    expect(await rows(`SELECT ${columns} FROM {silver.shop_orders} ORDER BY order_id`)).toEqual([
      {
        order_id: 'o1',
        customer_id: 'c1',
        amount: 12.5,
        category: 'sao_paulo_suv',
        local_ts: '2024-01-05 10:00:00.123000',
        is_refund: false,
        _line: 1,
      },
      {
        order_id: 'o2',
        customer_id: 'c2',
        amount: -3,
        category: null,
        local_ts: '2024-01-06 00:00:00',
        is_refund: true,
        _line: 2,
      },
      {
        order_id: 'o3',
        customer_id: 'c1',
        amount: 0,
        category: 'van',
        local_ts: '2024-01-07 00:00:00',
        is_refund: false,
        _line: 3,
      },
    ])
  })

  it('drops rows by reason into quarantine, each with the text that came', async () => {
    const { result, rows } = await processed([
      'o1,c1,2024-01-05,1,a',
      'o1,c1,2024-01-05,2,b',
      ',c1,2024-01-05,3,',
      'o3,,2024-01-05,4,',
      'o4,c1,,5,',
      'o5,c1,2024-03-01 00:00:00,6,',
      'o6,c1,2024-02-29 23:59:59.999,7,',
      'o7,c1,2024-01-05,,',
    ])
    expect(result).toMatchObject({
      rowsIn: 8,
      rowsKept: 2,
      dropped: {
        duplicate: 1,
        future: 1,
        missing_amount: 1,
        missing_customer_id: 1,
        missing_order_id: 1,
        missing_ordered_at: 1,
      },
    })
    expect(await rows('SELECT amount, _reason, _line FROM {quarantine.shop_orders} ORDER BY _line')).toEqual([
      { amount: '1', _reason: 'duplicate', _line: 1 },
      { amount: '3', _reason: 'missing_order_id', _line: 3 },
      { amount: '4', _reason: 'missing_customer_id', _line: 4 },
      { amount: '5', _reason: 'missing_ordered_at', _line: 5 },
      { amount: '6', _reason: 'future', _line: 6 },
      { amount: null, _reason: 'missing_amount', _line: 8 },
    ])
    expect(await rows('SELECT amount FROM {silver.shop_orders} ORDER BY amount')).toEqual([
      { amount: 2 },
      { amount: 7 },
    ])
  })

  it('counts every row exactly once, whatever dirt comes', async () => {
    const cell = (good: fc.Arbitrary<string>) => fc.oneof({ weight: 6, arbitrary: good }, fc.constantFrom('', ' '))
    const row = fc.record({
      key: cell(fc.constantFrom('o1', 'o2', 'o3', 'o4', 'o5')),
      customer: cell(fc.constantFrom('c1', 'c2')),
      day: fc.oneof(fc.constantFrom('2024-01-05', '2024-02-29 23:59:59', '2024-03-01', '2025-01-01'), fc.constant('')),
      amount: fc.oneof(fc.constantFrom('1', '-1', '0.0001'), fc.constant('')),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 25 }), async (dirt) => {
        const good = 'o9,c9,2024-01-01,1,'
        const lines = [good, ...dirt.map(({ key, customer, day, amount }) => `${key},${customer},${day},${amount},`)]
        const { result, rows } = await processed(lines)
        const expected: Record<string, number> = {}
        const kept = new Set(['o9'])
        for (const { key, customer, day, amount } of dirt) {
          const reason = judge({ key: key.trim(), customer: customer.trim(), day, amount })
          if (reason !== '') expected[reason] = (expected[reason] ?? 0) + 1
          else if (kept.has(key)) expected['duplicate'] = (expected['duplicate'] ?? 0) + 1
          else kept.add(key)
        }
        expect(result).toMatchObject({ rowsIn: lines.length, rowsKept: kept.size })
        expect(result.dropped).toEqual(expected)
        const [counts] = await rows(
          'SELECT (SELECT count(*) FROM {silver.shop_orders}) AS kept, (SELECT count(*) FROM {quarantine.shop_orders}) AS refused',
        )
        expect(counts).toEqual({ kept: kept.size, refused: lines.length - kept.size })
      }),
      { numRuns: 8 },
    )
  })

  it('does not change when nothing came, on a later day too', async () => {
    const { process, snapshots, result } = await processed(['o1,c1,2024-01-05,1,', 'o1,c1,2024-01-05,2,'])
    const before = await snapshots()
    expect(await process('2024-06-01')).toEqual(result)
    expect(await process(RUN_DAY)).toEqual(result)
    expect(await snapshots()).toEqual(before)
  })

  it('lets rows in once their day has passed, and takes them out again on an earlier day', async () => {
    const { process, rows } = await processed(['o1,c1,2024-01-05,1,', 'o2,c1,2024-03-10,2,'])
    const silver = () => rows('SELECT order_id FROM {silver.shop_orders} ORDER BY 1')
    expect(await silver()).toEqual([{ order_id: 'o1' }])
    expect(await process('2024-03-11')).toMatchObject({ rowsKept: 2, dropped: {} })
    expect(await silver()).toEqual([{ order_id: 'o1' }, { order_id: 'o2' }])
    expect(await rows('SELECT count(*) AS n FROM {quarantine.shop_orders}')).toEqual([{ n: 0 }])
    expect(await process(RUN_DAY)).toMatchObject({ rowsKept: 1, dropped: { future: 1 } })
    expect(await silver()).toEqual([{ order_id: 'o1' }])
  })

  it('takes the row ingested last for a key', async () => {
    const { ingest, write, process, rows } = await processed(['o1,c1,2024-01-05,1,', 'o2,c1,2024-01-05,1,'])
    await ingest(await write('orders.csv', csv('o1,c1,2024-01-05,9,')), { at: '2024-02-01T00:00:00Z' })
    expect(await process(RUN_DAY)).toMatchObject({ rowsIn: 3, rowsKept: 2, dropped: { duplicate: 1 } })
    expect(await rows('SELECT order_id, amount FROM {silver.shop_orders} ORDER BY 1')).toEqual([
      { order_id: 'o1', amount: 9 },
      { order_id: 'o2', amount: 1 },
    ])
  })

  it('drops rows without key, entity or time even where their columns are optional', async () => {
    const columns = {
      order_id: 'string?',
      customer_id: 'string?',
      ordered_at: 'timestamp?',
      amount: 'decimal(18,4)?',
      category: 'string?',
    }
    const { result } = await processed(
      ['o1,c1,2024-01-05,,', ',c1,2024-01-05,1,', ',c1,2024-01-05,1,', 'o2,,2024-01-05,1,', 'o3,c1,,1,'],
      { columns },
    )
    expect(result).toMatchObject({
      rowsKept: 1,
      dropped: { missing_order_id: 2, missing_customer_id: 1, missing_ordered_at: 1 },
    })
  })

  it('refuses a source of which no row is usable, and stays as it was', async () => {
    const { process, rows } = await processed(['o1,c1,2024-01-05,1,'])
    await expect(process('2023-01-01')).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      exitCode: 65,
      message: expect.stringContaining('none of the 1 bronze rows is usable at 2023-01-01: 1 future'),
    })
    expect(await rows('SELECT order_id FROM {silver.shop_orders}')).toEqual([{ order_id: 'o1' }])
  })
})

describe('the wall clock', () => {
  const localTimes = async (texts: readonly string[], timezone: string, columns?: object) => {
    const lines = texts.map((text, index) => `o${index},c1,${text},1,`)
    const { rows } = await processed(lines, { timezone, ...columns }, '2030-01-01')
    return (await rows('SELECT local_ts FROM {silver.shop_orders} ORDER BY order_id')).map((row) => row['local_ts'])
  }

  it('takes a time without offset as it stands and converts one with an offset', async () => {
    const texts = [
      '2024-01-05 10:00:00',
      '2024-01-05T10:00:00Z',
      '2024-01-05 10:00:00-03',
      '2024-01-05 10:00:00+05:30',
      '2024-01-05T10:00:00.250-0300 ',
    ]
    expect(await localTimes(texts, 'America/Sao_Paulo')).toEqual([
      '2024-01-05 10:00:00',
      '2024-01-05 07:00:00',
      '2024-01-05 10:00:00',
      '2024-01-05 01:30:00',
      '2024-01-05 10:00:00.250000',
    ])
    expect(await localTimes(texts, 'UTC')).toEqual([
      '2024-01-05 10:00:00',
      '2024-01-05 10:00:00',
      '2024-01-05 13:00:00',
      '2024-01-05 04:30:00',
      '2024-01-05 13:00:00.250000',
    ])
  })

  it('follows daylight saving on both sides of a change', async () => {
    const texts = ['2024-03-31T00:59:59Z', '2024-03-31T01:00:00Z', '2024-10-27T00:30:00Z', '2024-10-27T01:30:00Z']
    expect(await localTimes(texts, 'Europe/Berlin')).toEqual([
      '2024-03-31 01:59:59',
      '2024-03-31 03:00:00',
      '2024-10-27 02:30:00',
      '2024-10-27 02:30:00',
    ])
  })

  it('moves the day an event counts for', async () => {
    expect(await localTimes(['2024-03-01T01:00:00Z'], 'America/Sao_Paulo')).toEqual(['2024-02-29 22:00:00'])
  })

  it('reads formats with and without an offset', async () => {
    const columns = (format: string) => ({
      columns: {
        order_id: 'string',
        customer_id: 'string',
        ordered_at: { type: 'timestamp', format },
        amount: 'decimal(18,4)',
        category: 'string?',
      },
    })
    expect(await localTimes(['05.01.2024 10:00'], 'Asia/Tokyo', columns('%d.%m.%Y %H:%M'))).toEqual([
      '2024-01-05 10:00:00',
    ])
    expect(await localTimes(['05.01.2024 10:00 +0000'], 'Asia/Tokyo', columns('%d.%m.%Y %H:%M %z'))).toEqual([
      '2024-01-05 19:00:00',
    ])
  })
})

describe('the tables of a view', () => {
  it('are the same for the same rows in any order', async () => {
    const lines = ['o1,c1,2024-01-05,1,a', 'o2,c2,2024-01-06,2,b', 'o3,c1,2024-01-07,3,c']
    const features = async (ordered: readonly string[]) => {
      const { extract, publish, rows } = await processed(ordered)
      const { table } = await publish(await extract(['2024-02-01']))
      return rows(`SELECT * FROM {${table}} ORDER BY customer_id`)
    }
    expect(await features(lines.toReversed())).toEqual(await features(lines))
  })
})
