import {
  allOf,
  between,
  type ColumnRule,
  call,
  column,
  type Expression,
  integer,
  isNullExpression,
  literal,
  not,
  oneOf,
  operation,
} from '@esteira/core'
import { percent } from './feature-check.js'
import { type RowCheck, type RowRule, rowCheck, type StagedRows } from './row-check.js'

/** The checks that the zod types of a view's features ask for, and that doubles are numbers. */
export function columnChecks(rows: StagedRows): RowCheck[] {
  const { view } = rows
  return Object.entries(view.features).flatMap(([name, { type }]) => {
    const rule = view.rules[name]
    const found = [
      ...(type === 'double' ? [finite(name)] : []),
      ...(rule === undefined ? [] : [...nulls(name, rule), ...values(name, rule, type)]),
    ]
    return found.map((each) => rowCheck(rows, { ...each, column: name, shows: [name] }))
  })
}

type ColumnRowRule = Omit<RowRule, 'column' | 'shows'>

const LARGEST = literal(Number.MAX_VALUE, 'double')
const SMALLEST = literal(-Number.MAX_VALUE, 'double')

/** NaN compares differently on each engine, but never lies between two numbers. */
function finite(name: string): ColumnRowRule {
  return {
    name: `${name}.finite`,
    rule: 'finite',
    expected: 'no NaN, no infinity',
    fails: not(between(column(name), SMALLEST, LARGEST)),
  }
}

function nulls(name: string, { maxNullShare, severity }: ColumnRule): ColumnRowRule[] {
  if (maxNullShare >= 1) return []
  return [
    {
      name: `${name}.nulls`,
      rule: 'nulls',
      expected: maxNullShare === 0 ? 'no null' : `at most ${percent(maxNullShare)} nulls`,
      fails: isNullExpression(column(name)),
      atMost: maxNullShare,
      inShares: true,
      ...(severity !== undefined && { severity }),
    },
  ]
}

/** Range, allowed values and whole numbers; what is no finite number is told by its own check alone. */
function values(name: string, rule: ColumnRule, type: string): ColumnRowRule[] {
  const value = column(name)
  const common = {
    ...(rule.atMost !== undefined && { atMost: rule.atMost }),
    ...(rule.severity !== undefined && { severity: rule.severity }),
  }
  const failing = (what: string, expected: string, fails: Expression): ColumnRowRule => ({
    name: `${name}.${what}`,
    rule: what,
    expected,
    fails: type === 'double' ? allOf(fails, between(value, SMALLEST, LARGEST)) : fails,
    ...common,
  })
  const { min, max, exclusiveMin, exclusiveMax, allowed } = rule
  return [
    ...(min === undefined ? [] : [failing('min', `at least ${min}`, operation(value, '<', number(min)))]),
    ...(max === undefined ? [] : [failing('max', `at most ${max}`, operation(value, '>', number(max)))]),
    ...(exclusiveMin === undefined
      ? []
      : [failing('min', `above ${exclusiveMin}`, operation(value, '<=', number(exclusiveMin)))]),
    ...(exclusiveMax === undefined
      ? []
      : [failing('max', `below ${exclusiveMax}`, operation(value, '>=', number(exclusiveMax)))]),
    ...(allowed === undefined
      ? []
      : [failing('allowed', `one of ${allowed.join(', ')}`, not(oneOf(value, allowed.map(literalOf))))]),
    ...(rule.whole !== true
      ? []
      : [
          failing(
            'whole',
            'whole numbers',
            operation(call('modulo', value, literal(1, 'double')), '<>', literal(0, 'double')),
          ),
        ]),
  ]
}

function literalOf(value: string | number): Expression {
  return typeof value === 'string' ? literal(value, 'varchar') : number(value)
}

/** Whole numbers of 32 bits stay whole, so that a large bigint is not compared as a double. */
function number(value: number): Expression {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return integer(value)
  return Number.isSafeInteger(value) ? literal(value, 'bigint') : literal(value, 'double')
}
