import { refuseSql } from './refuse-sql.js'
import { allowFields, nodeOf, nodesOf, optionalNode, type SqlNode } from './sql-tree.js'

/** A call of a function, in whichever of polyglot's many shapes it came. */
export interface SqlCall {
  readonly name: string
  readonly args: readonly SqlNode[]
  /** `count(*)` */
  readonly star: boolean
  readonly distinct: boolean
  readonly filter: SqlNode | undefined
}

/** Functions that polyglot gives a node of their own, with the fields of their arguments in order. */
const OWN_NODES: Readonly<Record<string, readonly string[]>> = {
  ...sameFields(
    'this',
    'abs ceil floor sqrt ln exp lower upper length year quarter month day day_of_month day_of_week',
  ),
  ...sameFields('this', 'day_of_year hour minute second count sum avg min max stddev stddev_samp stddev_pop'),
  ...sameFields('this', 'variance var_samp var_pop count_if logical_and logical_or first_value last_value'),
  ...sameFields('', 'row_number rank dense_rank percent_rank cume_dist'),
  power: ['this', 'expression'],
  mod_func: ['this', 'expression'],
  starts_with: ['this', 'expression'],
  substring: ['this', 'start', 'length'],
  trim: ['this'],
  if_func: ['condition', 'true_value', 'false_value'],
  n_tile: ['num_buckets'],
  lag: ['this', 'offset', 'default'],
  lead: ['this', 'offset', 'default'],
  nth_value: ['this', 'offset'],
}

/** Where polyglot's name is not the one people write. */
const NAMES: Readonly<Record<string, string>> = {
  mod_func: 'mod',
  if_func: 'if',
  n_tile: 'ntile',
  logical_and: 'bool_and',
  logical_or: 'bool_or',
  substring: 'substr',
}

function sameFields(field: string, tags: string): Record<string, readonly string[]> {
  return Object.fromEntries(tags.split(' ').map((tag) => [tag, field === '' ? [] : [field]]))
}

/** The call that a node is, or undefined when it is none. @throws EsteiraError ESTEIRA_SQL */
export function callOf(node: SqlNode): SqlCall | undefined {
  const { tag, fields } = node
  if (tag === 'function' || tag === 'aggregate_function') {
    allowFields(String(fields['name']), fields, ['name', 'args', 'distinct', 'no_parens', 'filter', 'quoted'])
    return { ...callTail(fields), name: String(fields['name']).toLowerCase(), args: nodesOf(fields['args']) }
  }
  if (tag === 'coalesce') return { ...callTail(fields), name: 'coalesce', args: nodesOf(fields['expressions']) }
  const own = OWN_NODES[tag]
  if (own === undefined) return undefined
  const name = NAMES[tag] ?? tag
  checkOwnFields(name, fields, own)
  const args = own.map((field) => optionalNode(fields[field])).filter((arg) => arg !== undefined)
  return { ...callTail(fields), name, args }
}

function checkOwnFields(name: string, fields: SqlNode['fields'], own: readonly string[]): void {
  // TRIM(BOTH 'x' FROM s) and the like; a plain trim(s) has the position "Both" too.
  if (name === 'trim' && (fields['sql_standard_syntax'] === true || fields['position'] !== 'Both')) {
    throw refuseSql('trim with a position or characters is not in the SQL subset', 'Use trim, ltrim or rtrim.')
  }
  allowFields(name, fields, [...own, 'name', 'position', 'star', 'distinct', 'filter'])
}

function callTail(fields: SqlNode['fields']): Pick<SqlCall, 'star' | 'distinct' | 'filter'> {
  const { filter } = fields
  return {
    star: fields['star'] === true,
    distinct: fields['distinct'] === true,
    filter: filter === null || filter === undefined ? undefined : nodeOf(filter),
  }
}
