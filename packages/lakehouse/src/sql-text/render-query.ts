import { prunableConditions } from './prunable-conditions.js'
import { refuseAliases } from './refuse-aliases.js'
import { refuseSql } from './refuse-sql.js'
import { type RenderQuery, renderExpression } from './render-expression.js'
import { orderBy, windowSpec } from './render-window.js'
import {
  allowFields,
  identifier,
  listOf,
  nodeOf,
  nodesOf,
  optionalNode,
  quoteName,
  recordOf,
  type SqlNode,
} from './sql-tree.js'
import { type TableRequest, tableRequestOf } from './table-request.js'

type Fields = Readonly<Record<string, unknown>>

/** Names of common table expressions that a query sees, and the tables met so far in the whole statement. */
interface Scope {
  readonly names: ReadonlySet<string>
  readonly tables: TableRequest[]
}

export interface RenderedQuery {
  /** The statement in DuckDB's SQL, with {@link tableMark} where a table is read. */
  readonly sql: string
  readonly tables: readonly TableRequest[]
}

/** Stands for table number `index`; a statement holds no null character of its own. */
export function tableMark(index: number): string {
  return `\0${index}\0`
}

/** A parsed Athena query in DuckDB's SQL. @throws EsteiraError ESTEIRA_SQL for what is outside the subset */
export function renderStatement(statement: SqlNode): RenderedQuery {
  const tables: TableRequest[] = []
  const sql = renderQuery(statement, { names: new Set(), tables })
  return { sql, tables }
}

function renderQuery(node: SqlNode, scope: Scope): string {
  const { tag, fields } = node
  const inner = withScope(fields['with'], scope)
  const body = queryBody(tag, fields, inner.scope)
  return `${inner.sql}${body}`
}

function queryBody(tag: string, fields: Fields, scope: Scope): string {
  switch (tag) {
    case 'select':
      return renderSelect(fields, scope)
    case 'union':
    case 'intersect':
    case 'except':
      return renderSetOperation(tag, fields, scope)
    case 'subquery':
      allowFields('a subquery', fields, ['this', 'alias', 'column_aliases', 'order_by', 'limit', 'offset'])
      return `(${renderQuery(nodeOf(fields['this']), scope)})${tail(fields, scope)}`
    case 'values':
      allowFields('VALUES', fields, ['expressions'])
      return `VALUES ${listOf(fields['expressions'])
        .map((row) => renderTuple(recordOf(row), scope))
        .join(', ')}`
    default:
      throw refuseSql(`"${tag.replaceAll('_', ' ')}" is not in the SQL subset as a query`, 'Write a SELECT.')
  }
}

function withScope(clause: unknown, scope: Scope): { sql: string; scope: Scope } {
  const fields = recordOf(clause)
  if (!clause) return { sql: '', scope }
  allowFields('WITH', fields, ['ctes'])
  let { names } = scope
  const parts = listOf(fields['ctes']).map((cte) => {
    const { alias, columns, this: query, ...more } = recordOf(cte)
    allowFields('WITH', more, [])
    const name = identifier(alias)
    const sql = `${quoteName(name)}${nameList(columns)} AS (${renderQuery(nodeOf(query), { ...scope, names })})`
    names = new Set([...names, name.toLowerCase()])
    return sql
  })
  return { sql: `WITH ${parts.join(', ')} `, scope: { ...scope, names } }
}

const SELECT_FIELDS =
  'expressions from joins where_clause group_by having order_by limit offset fetch distinct with windows'

function renderSelect(fields: Fields, scope: Scope): string {
  allowFields('SELECT', fields, SELECT_FIELDS.split(' '))
  const query = queriesOf(scope)
  const from = sources(fields, scope)
  const where = condition('WHERE', fields['where_clause'], query)
  refuseAliases(fields)
  const having = condition('HAVING', fields['having'], query)
  const windows = listOf(fields['windows']).map((window) => {
    const { name, spec } = recordOf(window)
    return `${quoteName(identifier(name))} AS (${windowSpec(recordOf(spec), query)})`
  })
  return [
    `SELECT ${fields['distinct'] === true ? 'DISTINCT ' : ''}${selectList(fields['expressions'], query)}`,
    ...from,
    ...where,
    ...groupBy(fields['group_by'], query),
    ...having,
    ...(windows.length === 0 ? [] : [`WINDOW ${windows.join(', ')}`]),
  ]
    .join(' ')
    .concat(tail(fields, scope))
}

function queriesOf(scope: Scope): RenderQuery {
  return (node) => renderQuery(node.tag === 'subquery' ? onlyQuery(node) : node, scope)
}

function onlyQuery(node: SqlNode): SqlNode {
  allowFields('a subquery', node.fields, ['this'])
  return nodeOf(node.fields['this'])
}

/** Unnamed columns get Trino's names, as long as their position is known. */
function selectList(expressions: unknown, query: RenderQuery): string {
  let position: number | undefined = 0
  const items: string[] = []
  for (const node of nodesOf(expressions)) {
    if (node.tag === 'star') position = undefined
    items.push(selectItem(node, query, position))
    if (position !== undefined) position++
  }
  return items.join(', ')
}

function selectItem(node: SqlNode, query: RenderQuery, position: number | undefined): string {
  const { tag, fields } = node
  if (tag === 'star') {
    allowFields('*', fields, ['table'])
    return fields['table'] ? `${quoteName(identifier(fields['table']))}.*` : '*'
  }
  if (tag === 'alias') {
    allowFields('AS', fields, ['this', 'alias'])
    return `${renderExpression(nodeOf(fields['this']), query)} AS ${quoteName(identifier(fields['alias']))}`
  }
  const sql = renderExpression(node, query)
  if (tag === 'column') return `${sql} AS ${quoteName(identifier(fields['name']))}`
  return position === undefined ? sql : `${sql} AS "_col${position}"`
}

const JOINS: Readonly<Record<string, string>> = {
  Inner: 'JOIN',
  Left: 'LEFT JOIN',
  Right: 'RIGHT JOIN',
  Full: 'FULL JOIN',
  Cross: 'CROSS JOIN',
  Implicit: ',',
}

function sources(select: Fields, scope: Scope): string[] {
  const from = recordOf(select['from'])
  allowFields('FROM', from, ['expressions'])
  const first = nodesOf(from['expressions']).map((node) => renderSource(node, scope, select))
  if (first.length === 0) return []
  const joins = listOf(select['joins']).map((join) => renderJoin(recordOf(join), scope, select))
  return [`FROM ${first.join(', ')}`, ...joins]
}

function renderJoin(join: Fields, scope: Scope, select: Fields): string {
  allowFields('JOIN', join, ['this', 'on', 'using', 'kind'])
  const kind = JOINS[String(join['kind'])]
  if (kind === undefined) throw refuseSql(`a ${String(join['kind'])} join is not in the SQL subset`, 'Use JOIN … ON.')
  const on = join['on'] ? ` ON ${renderExpression(nodeOf(join['on']), queriesOf(scope))}` : ''
  const using = listOf(join['using']).length === 0 ? '' : ` USING ${nameList(join['using']).trim()}`
  return `${kind} ${renderSource(nodeOf(join['this']), scope, select)}${on}${using}`
}

function renderSource(node: SqlNode, scope: Scope, select: Fields): string {
  const { tag, fields } = node
  if (tag === 'subquery') {
    const alias = fields['alias'] ? ` AS ${quoteName(identifier(fields['alias']))}` : ''
    checkValuesNamed(fields)
    allowFields('FROM', fields, ['this', 'alias', 'column_aliases', 'order_by', 'limit', 'offset'])
    return `(${renderQuery(nodeOf(fields['this']), scope)}${tail(fields, scope)})${alias}${nameList(fields['column_aliases'])}`
  }
  if (tag !== 'table') {
    throw refuseSql(`"${tag.replaceAll('_', ' ')}" in FROM is not in the SQL subset`, 'Read tables and subqueries.')
  }
  const ownName = identifier(fields['name'])
  const aliasName = fields['alias'] ? identifier(fields['alias']) : ownName
  const isRenamed = listOf(fields['column_aliases']).length > 0
  const request = tableRequestOf(node, isRenamed ? [] : prunableConditions(select, aliasName))
  const alias = quoteName(aliasName)
  const columns = nameList(fields['column_aliases'])
  const isCte = !fields['schema'] && request.version === undefined && scope.names.has(ownName.toLowerCase())
  if (isCte) return `${quoteName(ownName)} AS ${alias}${columns}`
  scope.tables.push(request)
  return `${tableMark(scope.tables.length - 1)} AS ${alias}${columns}`
}

/** The two engines name the columns of VALUES differently. */
function checkValuesNamed(fields: Fields): void {
  if (optionalNode(fields['this'])?.tag === 'values' && listOf(fields['column_aliases']).length === 0) {
    throw refuseSql('VALUES needs names for its columns', 'Write (VALUES (1, 2)) AS t (a, b).')
  }
}

function groupBy(clause: unknown, query: RenderQuery): string[] {
  const fields = recordOf(clause)
  if (!clause) return []
  allowFields('GROUP BY', fields, ['expressions'])
  return [
    `GROUP BY ${nodesOf(fields['expressions'])
      .map((node) => groupingElement(node, query))
      .join(', ')}`,
  ]
}

function groupingElement(node: SqlNode, query: RenderQuery): string {
  const name = node.tag === 'function' ? String(node.fields['name']).toUpperCase() : ''
  if (['ROLLUP', 'CUBE', 'GROUPING SETS'].includes(name)) {
    allowFields(name, node.fields, ['name', 'args'])
    return `${name} (${nodesOf(node.fields['args'])
      .map((arg) => groupingElement(arg, query))
      .join(', ')})`
  }
  if (node.tag !== 'tuple') return renderExpression(node, query)
  allowFields('GROUP BY', node.fields, ['expressions'])
  return `(${nodesOf(node.fields['expressions'])
    .map((item) => renderExpression(item, query))
    .join(', ')})`
}

function renderSetOperation(tag: 'union' | 'intersect' | 'except', fields: Fields, scope: Scope): string {
  allowFields(tag.toUpperCase(), fields, ['left', 'right', 'all', 'distinct', 'order_by', 'limit', 'offset', 'with'])
  const [left, right] = [nodeOf(fields['left']), nodeOf(fields['right'])]
  // INTERSECT binds tighter than UNION and EXCEPT; the parser reads from left to right.
  if ([left.tag, right.tag].some((side) => side !== tag && ['union', 'intersect', 'except'].includes(side))) {
    throw refuseSql('different set operations need parentheses in the SQL subset', 'Write (a UNION b) EXCEPT c.')
  }
  const operator = `${tag.toUpperCase()}${fields['all'] === true ? ' ALL' : ''}`
  return `(${renderQuery(left, scope)}) ${operator} (${renderQuery(right, scope)})${tail(fields, scope)}`
}

function condition(word: string, clause: unknown, query: RenderQuery): string[] {
  if (!clause) return []
  const fields = recordOf(clause)
  allowFields(word, fields, ['this'])
  return [`${word} ${renderExpression(nodeOf(fields['this']), query)}`]
}

/** ORDER BY, LIMIT and OFFSET. */
function tail(fields: Fields, scope: Scope): string {
  const order = recordOf(fields['order_by'])
  allowFields('ORDER BY', order, ['expressions'])
  const fetch = recordOf(fields['fetch'])
  allowFields('FETCH', fetch, ['direction', 'count'])
  const parts = orderBy(order['expressions'], queriesOf(scope))
  const limit = wholeNumber('LIMIT', fields['limit'] ?? fetch['count'])
  const offset = wholeNumber('OFFSET', fields['offset'])
  return [...parts, ...limit, ...offset].map((part) => ` ${part}`).join('')
}

/** polyglot wraps the number in `{ this }`, but for the limit of a set operation. */
function wholeNumber(word: string, value: unknown): string[] {
  if (!value) return []
  const wrapped = recordOf(value)['this']
  if (recordOf(value)['percent'] === true)
    throw refuseSql(`${word} takes a number of rows, no percentage`, `Write ${word} 10.`)
  const { tag, fields } = nodeOf(wrapped ?? value)
  if (tag === 'column' && word === 'LIMIT' && identifier(fields['name']).toLowerCase() === 'all') return []
  if (tag === 'literal' && /^\d+$/.test(String(fields['value']))) return [`${word} ${String(fields['value'])}`]
  throw refuseSql(`${word} takes a whole number`, `Write ${word} 10.`)
}

function renderTuple(row: Fields, scope: Scope): string {
  allowFields('VALUES', row, ['expressions'])
  return `(${nodesOf(row['expressions'])
    .map((item) => renderExpression(item, queriesOf(scope)))
    .join(', ')})`
}

function nameList(names: unknown): string {
  const list = listOf(names).map((name) => quoteName(identifier(name)))
  return list.length === 0 ? '' : ` (${list.join(', ')})`
}
