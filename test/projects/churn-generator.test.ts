import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type BookingOptions, generateBookings } from '../../projects/churn/generator.js'

const UNTIL = '2026-01-01'
const COLUMNS = 'booking_id,customer_id,booked_at,amount,category,payment_method'

interface Row {
  readonly bookingId: string
  readonly customerId: string
  readonly bookedAt: string
  readonly amount: number
  readonly category: string
  readonly payment: string
}

function readRows(options: BookingOptions): Row[] {
  const [header, ...lines] = [...generateBookings(options)].join('').split('\n')
  expect(header).toBe(COLUMNS)
  expect(lines.pop()).toBe('')
  return lines.map((line) => {
    const [bookingId = '', customerId = '', bookedAt = '', amount = '', category = '', payment = '', ...rest] =
      line.split(',')
    expect(rest).toEqual([])
    return { bookingId, customerId, bookedAt, amount: Number(amount), category, payment }
  })
}

function digest(options: BookingOptions): string {
  const hash = createHash('sha256')
  for (const text of generateBookings(options)) hash.update(text)
  return hash.digest('hex')
}

/** What silver keeps: known ids, one row an id, dated before the run; refunds apart. */
function realBookings(rows: readonly Row[]): Row[] {
  const seen = new Set<string>()
  return rows.filter((row) => {
    if (row.bookingId === '' || row.customerId === '' || row.bookedAt >= UNTIL || row.amount < 0) return false
    return !seen.has(row.bookingId) && seen.add(row.bookingId)
  })
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10)
}

/** Share of the customers seen in the 90 days before a date who are not seen in the 90 days from it on. */
function churnShare(bookings: readonly Row[], date: string): number {
  const [from, to] = [addDays(date, -90), addDays(date, 90)]
  const atRisk = new Set<string>()
  const back = new Set<string>()
  for (const { customerId, bookedAt } of bookings) {
    if (bookedAt >= from && bookedAt < date) atRisk.add(customerId)
    if (bookedAt >= date && bookedAt < to) back.add(customerId)
  }
  return [...atRisk].filter((id) => !back.has(id)).length / atRisk.size
}

describe('the bookings generator', () => {
  const rows = readRows({ rows: 100_000, seed: 7, until: UNTIL })
  const real = realBookings(rows)
  const share = (wanted: (row: Row) => boolean) => rows.filter(wanted).length / rows.length

  it('makes the same bytes from the same seed and other bytes from another', () => {
    const options = { rows: 5000, seed: 7, until: UNTIL }
    expect(digest(options)).toBe(digest(options))
    expect(digest({ ...options, seed: 8 })).not.toBe(digest(options))
    expect(digest({ ...options, seed: 2 ** 40 })).not.toBe(digest({ ...options, seed: 2 ** 41 }))
    expect(digest({ ...options, until: '2025-12-01' })).not.toBe(digest(options))
  })

  it.each([1, 2, 1000, 1001, 33_333])('makes exactly %i rows', (count) => {
    expect(readRows({ rows: count, seed: 1, until: UNTIL })).toHaveLength(count)
  })

  it('yields pieces of bounded size', () => {
    const sizes = Array.from(generateBookings({ rows: 20_000, seed: 7, until: UNTIL }), (text) => text.length)
    expect(sizes.length).toBeGreaterThan(15)
    expect(Math.max(...sizes)).toBeLessThan(70_000)
  })

  it('writes dates of the wall clock, money with two decimals and ids', () => {
    for (const text of generateBookings({ rows: 2000, seed: 3, until: UNTIL })) {
      for (const line of text.trimEnd().split('\n').slice(1)) {
        expect(line).toMatch(/^(B\d{9})?,(C\d{7})?,\d{4}-\d\d-\d\d [0-2]\d:[0-5]\d:[0-5]\d,-?\d+\.\d\d,[^,]*,[^,]*$/)
      }
    }
  })

  it.each([1000, 100_000])('covers three years up to the run date with %i rows', (count) => {
    const days = realBookings(readRows({ rows: count, seed: 42, until: UNTIL }))
      .map((row) => row.bookedAt.slice(0, 10))
      .sort()
    expect(days[0] ?? '').toMatch(/^2023-01-0/)
    expect(days.at(-1) ?? '').toMatch(/^2025-12-(2[5-9]|3)/)
  })

  it('has about one customer for twenty rows', () => {
    const customers = new Set(rows.map((row) => row.customerId)).size
    expect(rows.length / customers).toBeGreaterThan(17)
    expect(rows.length / customers).toBeLessThan(25)
  })

  it('holds the promised share of every kind of dirt', () => {
    const ids = new Set<string>()
    const lines = new Set<string>()
    let repeated = 0
    for (const row of rows) {
      if (row.bookingId !== '' && ids.has(row.bookingId)) {
        repeated++
        expect(lines.has(JSON.stringify(row))).toBe(true)
      }
      ids.add(row.bookingId)
      lines.add(JSON.stringify(row))
    }
    expect(repeated / rows.length).toBeCloseTo(0.005, 2.7)
    expect(share((row) => row.bookingId === '' || row.customerId === '')).toBeCloseTo(0.002, 2.9)
    expect(share((row) => row.bookingId === '')).toBeGreaterThan(0)
    expect(share((row) => row.customerId === '')).toBeGreaterThan(0)
    expect(share((row) => row.amount < 0)).toBeCloseTo(0.01, 2.5)
    expect(share((row) => row.bookedAt >= UNTIL)).toBeCloseTo(0.001, 3)
    expect(share((row) => row.category === '')).toBeCloseTo(0.002, 2.9)
    expect(share((row) => row.payment === '')).toBeCloseTo(0.002, 2.9)
    expect(share((row) => row.category !== '' && !/^[a-z_]+$/.test(row.category))).toBeCloseTo(0.015, 2.3)
  })

  it('ends with old rows of customers met before', () => {
    const tail = rows.slice(-200)
    const before = new Set(rows.slice(0, -200).map((row) => row.customerId))
    expect(
      tail.every((row) => row.bookedAt < '2025-11-03' && (row.customerId === '' || before.has(row.customerId))),
    ).toBe(true)
    expect(new Set(tail.map((row) => row.customerId)).size).toBeGreaterThan(150)
  })

  it('has only spellings that trimming, lower case, underscores and plain letters mend', () => {
    const mend = (text: string) =>
      text.trim().toLowerCase().replaceAll(' ', '_').normalize('NFD').replace(/\p{M}/gu, '')
    const categories = new Set(rows.map((row) => mend(row.category)))
    const payments = new Set(rows.map((row) => mend(row.payment)))
    expect([...categories].sort()).toEqual(['', 'compact', 'economy', 'luxury', 'suv', 'van'])
    expect([...payments].sort()).toEqual(['', 'boleto', 'credit_card', 'debit_card', 'pix', 'wallet'])
  })

  it.each([7, 1, 42])('loses 25 to 35 % of the customers at risk at every date, seed %i', (seed) => {
    const bookings = realBookings(readRows({ rows: 100_000, seed, until: UNTIL }))
    for (const date of ['2024-11-01', '2025-02-01', '2025-05-01', '2025-08-01', '2025-10-01']) {
      expect(churnShare(bookings, date)).toBeGreaterThan(0.25)
      expect(churnShare(bookings, date)).toBeLessThan(0.35)
    }
  })

  it('shows season, hours and tastes', () => {
    const count = (wanted: (row: Row) => boolean) => real.filter(wanted).length
    const month = (name: string) => count((row) => row.bookedAt.startsWith(`2025-${name}`))
    expect(month('01') / month('05')).toBeGreaterThan(1.15)
    const at = (hour: string) => count((row) => row.bookedAt.slice(11, 13) === hour)
    expect(at('17')).toBeGreaterThan(5 * at('03'))
    const median = (category: string) => {
      const amounts = real.filter((row) => row.category === category).map((row) => row.amount)
      return amounts.sort((a, b) => a - b)[Math.floor(amounts.length / 2)] ?? 0
    }
    expect(median('luxury')).toBeGreaterThan(3 * median('economy'))
  })

  it.each([
    [{ rows: 0, seed: 1, until: UNTIL }, 'rows'],
    [{ rows: 1.5, seed: 1, until: UNTIL }, 'rows'],
    [{ rows: 10, seed: Number.NaN, until: UNTIL }, 'seed'],
    [{ rows: 10, seed: 1, until: '2026-02-30' }, 'until'],
    [{ rows: 10, seed: 1, until: 'soon' }, 'until'],
  ])('refuses %j', (options, name) => {
    expect(() => [...generateBookings(options)]).toThrow(new RegExp(`^${name} must be`))
  })
})
