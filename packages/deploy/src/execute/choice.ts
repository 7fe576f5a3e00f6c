import type { Json } from '../document/asl-document.js'
import { findAt, type PathScope, parsePath, readAt } from './path.js'

/** A test of a Choice state: a comparison of a variable, or tests joined by And, Or, Not. */
export interface ChoiceTest {
  readonly And?: readonly ChoiceTest[] | undefined
  readonly Or?: readonly ChoiceTest[] | undefined
  readonly Not?: ChoiceTest | undefined
  readonly Variable?: string | undefined
  readonly [comparison: string]: unknown
}

type Comparison = (value: Json, operand: Json) => boolean

function compare(
  isOfType: (value: Json) => boolean,
  orders: (order: number) => boolean,
  toOrder = plainOrder,
): Comparison {
  return (value, operand) => isOfType(value) && isOfType(operand) && orders(toOrder(value, operand))
}

function plainOrder(a: Json, b: Json): number {
  if (a === b) return 0
  return (a ?? '') < (b ?? '') ? -1 : 1
}

const isText = (value: Json) => typeof value === 'string'
const isNumber = (value: Json) => typeof value === 'number'
const isTime = (value: Json) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT.+(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))
const timeOrder = (a: Json, b: Json) => Date.parse(String(a)) - Date.parse(String(b))

const ORDERS = {
  Equals: (order: number) => order === 0,
  LessThan: (order: number) => order < 0,
  LessThanEquals: (order: number) => order <= 0,
  GreaterThan: (order: number) => order > 0,
  GreaterThanEquals: (order: number) => order >= 0,
}

const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ...Object.entries(ORDERS).flatMap(([name, orders]): [string, Comparison][] => [
    [`String${name}`, compare(isText, orders)],
    [`Numeric${name}`, compare(isNumber, orders)],
    [`Timestamp${name}`, compare(isTime, orders, timeOrder)],
  ]),
  ['BooleanEquals', (value, operand) => typeof value === 'boolean' && value === operand],
  ['StringMatches', (value, operand) => typeof value === 'string' && wildcard(String(operand)).test(value)],
])

const TYPE_TESTS: ReadonlyMap<string, (value: Json) => boolean> = new Map<string, (value: Json) => boolean>([
  ['IsNull', (value) => value === null],
  ['IsString', isText],
  ['IsNumeric', isNumber],
  ['IsBoolean', (value) => typeof value === 'boolean'],
  ['IsTimestamp', isTime],
])

/** The names of the comparisons executed here, those with a path as operand too. */
export const COMPARISON_NAMES: ReadonlySet<string> = new Set([
  'IsPresent',
  ...TYPE_TESTS.keys(),
  ...[...COMPARISONS.keys()].flatMap((name) => (name === 'StringMatches' ? [name] : [name, `${name}Path`])),
])

/** Whether the test holds. @throws StatesError States.Runtime when a variable or an operand's path leads nowhere. */
export function holds(test: ChoiceTest, scope: PathScope): boolean {
  if (test.And !== undefined) return test.And.every((one) => holds(one, scope))
  if (test.Or !== undefined) return test.Or.some((one) => holds(one, scope))
  if (test.Not !== undefined) return !holds(test.Not, scope)
  const path = parsePath(test.Variable ?? '$')
  const name = Object.keys(test).find((key) => COMPARISON_NAMES.has(key)) ?? ''
  const operand = test[name] as Json
  if (name === 'IsPresent') return (findAt(path, scope) !== undefined) === operand
  const value = readAt(path, scope)
  const typeTest = TYPE_TESTS.get(name)
  if (typeTest !== undefined) return typeTest(value) === operand
  const isPath = name.endsWith('Path')
  const comparison = COMPARISONS.get(isPath ? name.slice(0, -4) : name)
  return comparison?.(value, isPath ? readAt(parsePath(String(operand)), scope) : operand) ?? false
}

/** `*` is any run of characters, `\*` a star. */
function wildcard(pattern: string): RegExp {
  const parts = pattern.split(/(\\\*|\\\\|\*)/).map((part) => {
    if (part === '*') return '[\\s\\S]*'
    return (part === '\\*' || part === '\\\\' ? part.slice(1) : part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}
