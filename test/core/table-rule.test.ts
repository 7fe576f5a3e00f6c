import {
  aggregate,
  column,
  count,
  EsteiraError,
  entity,
  featureHash,
  integer,
  operation,
  source,
  sum,
  type TableRule,
  tableRule,
  view,
  windowOver,
} from '@esteira/core'
import { describe, expect, it } from 'vitest'

const orders = source('orders', {
  format: 'csv',
  path: 'orders.csv',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  columns: { order_id: 'string', customer_id: 'string', ordered_at: 'timestamp', amount: 'decimal(18,4)' },
})

const features = { orders_30d: count(orders, { days: 30 }), value_30d: sum(orders.amount, { days: 30 }) }
const options = { from: orders, features }

function refusal(write: () => unknown): string {
  try {
    write()
  } catch (error) {
    if (error instanceof EsteiraError) return `${error.code}: ${error.message} ${error.hint ?? ''}`
    throw error
  }
  return ''
}

/** What the compiler would refuse, as a project file that was not type-checked would write it. */
const unchecked = (rules: unknown) => rules as () => readonly TableRule[]

describe('table rules', () => {
  it('are data with their defaults', () => {
    const built = view('v', {
      ...options,
      tableRules: (row, { entity, featureDate }) => [
        tableRule.holds('value_with_orders', operation(row.orders_30d, '>', integer(0)), { atMost: 0.01 }),
        tableRule.unique([row.value_30d, entity]),
        tableRule.references(entity, orders.customer_id, { severity: 'warning' }),
        tableRule.references(featureDate, { table: 'reference.days', column: 'day' }, { name: 'known_day' }),
        tableRule.moreRowsThan(5000),
        tableRule.rowCount(),
        tableRule.fresh({ withinDays: 3 }),
      ],
    })
    const error = { severity: 'error' }
    expect(built.tableRules).toEqual([
      {
        kind: 'holds',
        name: 'value_with_orders',
        condition: operation(column('orders_30d'), '>', integer(0)),
        atMost: 0.01,
        ...error,
      },
      {
        kind: 'unique',
        name: 'unique_value_30d_customer_id',
        values: [column('value_30d'), column('customer_id')],
        atMost: 0,
        ...error,
      },
      {
        kind: 'references',
        name: 'references_customer_id',
        value: column('customer_id'),
        to: { source: 'orders', column: 'customer_id' },
        atMost: 0,
        severity: 'warning',
      },
      {
        kind: 'references',
        name: 'known_day',
        value: column('feature_date'),
        to: { table: 'reference.days', column: 'day' },
        atMost: 0,
        ...error,
      },
      { kind: 'rows', name: 'more_rows_than_5000', moreThan: 5000, ...error },
      { kind: 'rowCount', name: 'row_count', last: 5, below: 0.5, above: 1, ...error },
      { kind: 'fresh', name: 'fresh_3d', withinDays: 3, ...error },
    ])
    expect(JSON.parse(JSON.stringify(built.tableRules))).toEqual(built.tableRules)
    expect(view('v', options).tableRules).toEqual([])
  })

  it('are no part of what decides the values', () => {
    const ruled = view('v', { ...options, tableRules: () => [tableRule.rowCount()] })
    expect(featureHash(ruled)).toBe(featureHash(view('v', options)))
  })

  it('of a misspelt column do not compile, and are refused', () => {
    // @ts-expect-error: misspelt
    const misspelt = () => view('v', { ...options, tableRules: (row) => [tableRule.unique([row.value_30])] })
    expect(refusal(misspelt)).toBe(
      'ESTEIRA_PROJECT: views.v.tableRules: "value_30" is no column of the view Did you mean "value_30d"?',
    )
    const made = () => view('v', { ...options, tableRules: () => [tableRule.unique([column('value')])] })
    expect(refusal(made)).toContain('"value" is no column of the view')
    // @ts-expect-error: misspelt
    expect(refusal(() => tableRule.references(column('x'), orders.custmer_id))).toContain('"custmer_id" is no column')
    const nothing = undefined as unknown as typeof orders.customer_id
    expect(refusal(() => tableRule.references(column('x'), nothing))).toContain(
      'expected a column of a source or { table, column }',
    )
  })

  it('that are misspelt do not compile, and fail by name', () => {
    // @ts-expect-error: misspelt
    const misspelt = () => view('v', { ...options, tableRules: () => [tableRule.rowCounts()] })
    expect(misspelt).toThrow('rowCounts')
    // @ts-expect-error: misspelt
    expect(refusal(() => tableRule.rowCount({ lats: 3 }))).toBe(
      'ESTEIRA_PROJECT: tableRules.rowCount: there is no option "lats" Did you mean "last"?',
    )
    // @ts-expect-error: there is no tolerance of a whole date
    expect(refusal(() => tableRule.moreRowsThan(5, { atMost: 0.1 }))).toContain('there is no option "atMost"')
  })

  it('are refused for numbers that mean nothing', () => {
    expect(refusal(() => tableRule.rowCount({ last: 0 }))).toContain('last: Too small')
    expect(refusal(() => tableRule.rowCount({ below: 2 }))).toContain('below: Too big')
    expect(refusal(() => tableRule.moreRowsThan(-1))).toContain('moreThan')
    expect(refusal(() => tableRule.fresh({ withinDays: 0.5 }))).toContain('withinDays')
    expect(refusal(() => tableRule.holds('h', integer(1), { atMost: -0.1 }))).toContain('tableRules.h: atMost')
    expect(refusal(() => tableRule.references(integer(1), { table: 'words', column: 'word' }))).toContain(
      'named <database>.<table>',
    )
  })

  it('are refused when they are about more than a row, named twice or no rules', () => {
    const withRules = (write: () => readonly TableRule[]) => refusal(() => view('v', { ...options, tableRules: write }))
    const total = operation(aggregate('sum', column('value_30d')), '>', integer(0))
    expect(withRules(() => [tableRule.holds('total', total)])).toContain('a rule is about one row, found sum')
    const rank = operation(windowOver('rank', { partitionBy: [] }), '<', integer(9))
    expect(withRules(() => [tableRule.holds('ranked', rank)])).toContain('found rank')
    expect(withRules(() => [tableRule.rowCount(), tableRule.rowCount({ last: 9 })])).toContain(
      'two rules are named "row_count"',
    )
    expect(withRules(() => [tableRule.holds('No Spaces', column('value_30d'))])).toContain('rule name "No Spaces"')
    expect(withRules(() => [tableRule.unique([])])).toContain('expected an expression of columns')
    expect(withRules(unchecked(() => ({})))).toContain('expected a function that returns a list of rules')
    expect(withRules(unchecked(() => ['unique']))).toContain('tableRule.rowCount')
    expect(withRules(unchecked(() => [tableRule.holds('h', unchecked('high > 0') as never)]))).toContain(
      'expected an expression of columns',
    )
  })
})
