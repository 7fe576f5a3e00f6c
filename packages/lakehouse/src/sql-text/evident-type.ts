import { callOf, type SqlCall } from './sql-call.js'
import { nodeOf, nodesOf, optionalNode, recordOf, type SqlNode } from './sql-tree.js'

/** A type that can be told from the text alone. Types of columns are not known here. */
export type EvidentType = 'integer' | 'decimal' | 'double' | 'varchar' | 'date' | 'timestamp' | 'interval'

const CAST_TYPES: Readonly<Record<string, EvidentType>> = {
  double: 'double',
  int: 'integer',
  big_int: 'integer',
  small_int: 'integer',
  tiny_int: 'integer',
  decimal: 'decimal',
  var_char: 'varchar',
  date: 'date',
  timestamp: 'timestamp',
}

const OF_FUNCTION: Readonly<Record<string, EvidentType>> = {
  ...typed(
    'integer',
    'count count_if row_number rank dense_rank ntile length year quarter month week day day_of_month',
  ),
  ...typed('integer', 'day_of_week dow day_of_year hour minute second date_diff'),
  ...typed('double', 'sqrt ln log2 log10 exp power pow percent_rank cume_dist stddev stddev_samp stddev_pop'),
  ...typed('double', 'variance var_samp var_pop'),
  ...typed('varchar', 'lower upper trim ltrim rtrim substr substring replace concat date_format'),
  ...typed('date', 'date last_day_of_month'),
}

/** Functions whose result has the type of these arguments. */
const LIKE_ARGUMENTS: Readonly<Record<string, (call: SqlCall) => readonly SqlNode[]>> = {
  ...Object.fromEntries(
    'abs ceil ceiling floor round min max sum lag lead first_value last_value nth_value nullif'
      .split(' ')
      .map((name) => [name, (call: SqlCall) => call.args.slice(0, 1)]),
  ),
  coalesce: (call) => call.args,
  greatest: (call) => call.args,
  least: (call) => call.args,
  if: (call) => call.args.slice(1),
  date_trunc: (call) => call.args.slice(1),
  date_add: (call) => call.args.slice(2),
}

function typed(type: EvidentType, names: string): Record<string, EvidentType> {
  return Object.fromEntries(names.split(' ').map((name) => [name, type]))
}

/** The type of an expression when its text alone tells it. */
export function evidentType(node: SqlNode): EvidentType | undefined {
  const { tag, fields } = node
  switch (tag) {
    case 'paren':
    case 'neg':
      return evidentType(nodeOf(fields['this']))
    case 'literal':
      return literalType(fields)
    case 'interval':
      return 'interval'
    case 'concat':
      return 'varchar'
    case 'cast':
    case 'try_cast':
      return CAST_TYPES[String(recordOf(fields['to'])['data_type'])]
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'mod':
      return arithmeticType(evidentType(nodeOf(fields['left'])), evidentType(nodeOf(fields['right'])))
    case 'case':
      return commonType(branches(fields))
    case 'extract':
      return 'integer'
    case 'window_function':
      return evidentType(nodeOf(fields['this']))
  }
  const call = callOf(node)
  if (call === undefined) return undefined
  const own = OF_FUNCTION[call.name]
  if (own !== undefined) return own
  if (call.name === 'avg')
    return call.args.every((arg) => evidentType(arg) === 'integer') ? 'double' : commonType(call.args)
  return commonType(LIKE_ARGUMENTS[call.name]?.(call) ?? [])
}

/** What one side being a double or a point in time settles, the other side need not tell. */
function arithmeticType(left: EvidentType | undefined, right: EvidentType | undefined): EvidentType | undefined {
  for (const type of ['timestamp', 'date', 'double'] as const) if (left === type || right === type) return type
  if (left === undefined || right === undefined) return undefined
  return left === 'decimal' || right === 'decimal' ? 'decimal' : left
}

/** The type that all have, NULL aside. */
function commonType(nodes: readonly SqlNode[]): EvidentType | undefined {
  const types = new Set(nodes.filter((node) => node.tag !== 'null').map(evidentType))
  const [first] = types
  return types.size === 1 ? first : undefined
}

function branches(fields: Readonly<Record<string, unknown>>): SqlNode[] {
  const whens = Array.isArray(fields['whens']) ? fields['whens'] : []
  const results = whens.flatMap((when: unknown) => nodesOf(when).slice(1))
  const otherwise = optionalNode(fields['else_'])
  return otherwise === undefined ? results : [...results, otherwise]
}

function literalType(fields: Readonly<Record<string, unknown>>): EvidentType | undefined {
  const value = String(fields['value'])
  switch (fields['literal_type']) {
    case 'number':
      if (/^\d+$/.test(value)) return 'integer'
      return /e/i.test(value) ? 'double' : 'decimal'
    case 'string':
      return 'varchar'
    case 'date':
      return 'date'
    case 'timestamp':
      return 'timestamp'
    default:
      return undefined
  }
}
