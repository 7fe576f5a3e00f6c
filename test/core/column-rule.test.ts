import { count, EsteiraError, entity, mode, rule, source, sum, view } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const orders = source('orders', {
  format: 'csv',
  path: 'orders.csv',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  columns: {
    order_id: 'string',
    customer_id: 'string',
    ordered_at: 'timestamp',
    amount: 'decimal(18,4)',
    category: 'string?',
  },
})

const features = {
  orders_30d: count(orders, { days: 30 }),
  value_30d: sum(orders.amount, { days: 30 }),
  category: mode(orders.category, { days: 30 }),
}

function rulesOf(rules: Partial<Record<keyof typeof features, z.ZodType>>) {
  return view('v', { from: orders, features, rules }).rules
}

function refusal(rules: Partial<Record<keyof typeof features, z.ZodType>>): string {
  try {
    rulesOf(rules)
  } catch (error) {
    if (error instanceof EsteiraError) return `${error.code}: ${error.message} ${error.hint ?? ''}`
    throw error
  }
  return ''
}

describe('a rule of a column', () => {
  it('takes its tolerance, share of nulls and severity from rule() or meta()', () => {
    const options = { atMost: 0.01, maxNullShare: 0.2, severity: 'warning' } as const
    const expected = { value_30d: { min: 0, ...options } }
    expect(rulesOf({ value_30d: rule(z.number().min(0).nullable(), options) })).toEqual(expected)
    expect(rulesOf({ value_30d: z.number().min(0).nullable().meta(options) })).toEqual(expected)
    expect(rulesOf({ value_30d: z.number().min(0).meta(options).nullable() })).toEqual(expected)
    expect(rulesOf({ value_30d: rule(z.number().describe('money').nullable(), options) })).toMatchObject({
      value_30d: options,
    })
  })

  it('asks for whole numbers where a column could hold others', () => {
    expect(rulesOf({ value_30d: z.int().nullable(), orders_30d: z.int().min(1) })).toEqual({
      value_30d: { maxNullShare: 1, whole: true },
      orders_30d: { maxNullShare: 0, min: 1 },
    })
  })

  it('refuses options that are misspelt or no shares, with the nearest', () => {
    // @ts-expect-error: misspelt
    expect(refusal({ value_30d: rule(z.number(), { atmost: 0.1 }) })).toBe(
      'ESTEIRA_PROJECT: rules.value_30d: there is no option "atmost" Did you mean "atMost"?',
    )
    expect(refusal({ value_30d: z.number().nullable().meta({ maxNulShare: 0.1 }) })).toContain(
      'Did you mean "maxNullShare"?',
    )
    expect(refusal({ value_30d: z.number().meta({ maxNulShare: 0.1 }).nullable() })).toContain('maxNulShare')
    expect(refusal({ value_30d: rule(z.number(), { atMost: 1.5 }) })).toContain('rules.value_30d: atMost: Too big')
    expect(refusal({ value_30d: rule(z.number(), { maxNullShare: Number.NaN }) })).toContain('maxNullShare')
    // @ts-expect-error: no severity
    expect(refusal({ value_30d: rule(z.number(), { severity: 'fatal' }) })).toContain('severity: Invalid option')
  })

  it('refuses a type that is not that of the feature', () => {
    expect(refusal({ category: z.number().min(0) })).toBe(
      'ESTEIRA_PROJECT: rules.category: the rule is about numbers, the feature is of type varchar Use z.string() or z.enum([...]) for it.',
    )
    expect(refusal({ value_30d: z.enum(['a', 'b']).nullable() })).toContain('the rule is about text')
    expect(refusal({ orders_30d: z.literal(['a']) })).toContain('the feature is of type bigint')
  })
})

describe('a view', () => {
  it('refuses an option that it does not have', () => {
    // @ts-expect-error: misspelt
    expect(() => view('v', { from: orders, features, tableRule: () => [] })).toThrow(
      expect.objectContaining({
        message: 'views.v: there is no option "tableRule"',
        hint: 'Did you mean "tableRules"?',
      }),
    )
  })
})
