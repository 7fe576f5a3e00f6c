import { nearest } from '@esteira/core'
import { ALLOWED_FUNCTIONS, type Argument } from './allowed-functions.js'
import { intervalOf, moveDate, unitOf } from './date-functions.js'
import { evidentType } from './evident-type.js'
import { divide, type Operand, remainder, subtract } from './exact-arithmetic.js'
import { refuseSql } from './refuse-sql.js'
import { renderCast } from './render-cast.js'
import { renderWindow } from './render-window.js'
import { callOf, type SqlCall } from './sql-call.js'
import {
  allowFields,
  identifier,
  listOf,
  nodeOf,
  nodesOf,
  optionalNode,
  quoteName,
  quoteText,
  recordOf,
  type SqlNode,
} from './sql-tree.js'

/** Writes a query inside an expression. */
export type RenderQuery = (node: SqlNode) => string

/** Operators with two sides that mean the same in both engines. */
const OPERATORS: Readonly<Record<string, string>> = {
  and: 'AND',
  or: 'OR',
  eq: '=',
  neq: '<>',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
  add: '+',
  mul: '*',
  concat: '||',
  null_safe_eq: 'IS NOT DISTINCT FROM',
  null_safe_neq: 'IS DISTINCT FROM',
}

/** One Trino expression in DuckDB's SQL. @throws EsteiraError ESTEIRA_SQL for what is outside the subset */
export function renderExpression(node: SqlNode, query: RenderQuery): string {
  const { tag, fields } = node
  const render = (value: unknown) => renderExpression(nodeOf(value), query)
  const not = fields['not'] === true ? 'NOT ' : ''
  switch (tag) {
    case 'column':
      return renderColumn(fields)
    case 'literal':
      return renderLiteral(fields)
    case 'boolean':
      return fields['value'] === true ? 'TRUE' : 'FALSE'
    case 'null':
      return 'NULL'
    case 'paren':
      return `(${render(fields['this'])})`
    case 'not':
      return `(NOT ${render(fields['this'])})`
    case 'neg':
      return `(-${render(fields['this'])})`
    case 'is_null':
      allowFields('IS NULL', fields, ['this', 'not'])
      return `(${render(fields['this'])} IS ${not}NULL)`
    case 'between':
      allowFields('BETWEEN', fields, ['this', 'low', 'high', 'not'])
      return `(${render(fields['this'])} ${not}BETWEEN ${render(fields['low'])} AND ${render(fields['high'])})`
    case 'in':
      return renderIn(fields, query)
    case 'exists':
      allowFields('EXISTS', fields, ['this', 'not'])
      return `(${not}EXISTS (${query(nodeOf(fields['this']))}))`
    case 'like':
      return renderLike(fields, render)
    case 'case':
      return renderCase(fields, render)
    case 'cast':
    case 'try_cast':
      allowFields('CAST', fields, ['this', 'to'])
      return renderCast(operandOf(nodeOf(fields['this']), query), fields['to'], tag === 'try_cast')
    case 'extract':
      return renderExtract(fields, query)
    case 'add':
    case 'sub':
    case 'div':
    case 'mod':
      return renderArithmetic(node, query)
    case 'subquery':
      return `(${query(node)})`
    case 'interval':
      throw refuseSql(
        'an interval can only be added to or taken from a date',
        "Write cast(x as date) - interval '7' day.",
      )
    case 'window_function':
      allowFields('OVER', fields, ['this', 'over'])
      return renderCall(nodeOf(fields['this']), query, renderWindow(recordOf(fields['over']), query))
  }
  const operator = OPERATORS[tag]
  if (operator === undefined) return renderCall(node, query, '')
  allowFields(operator, fields, ['left', 'right'])
  return `(${render(fields['left'])} ${operator} ${render(fields['right'])})`
}

/** Renderings repeat their operands; deep nests of divisions, roundings and casts would grow without bound. */
const LONGEST_OPERAND = 200_000

function operandOf(node: SqlNode, query: RenderQuery): Operand {
  const sql = renderExpression(node, query)
  if (sql.length > LONGEST_OPERAND) {
    throw refuseSql('the statement nests too many divisions, roundings or casts', 'Compute parts of it in WITH.')
  }
  return { sql, type: evidentType(node) }
}

function renderColumn(fields: SqlNode['fields']): string {
  allowFields('a column', fields, ['name', 'table'])
  const parts = [fields['table'], fields['name']].filter((part) => part)
  return parts.map((part) => quoteName(identifier(part))).join('.')
}

function renderLiteral(fields: SqlNode['fields']): string {
  const value = String(fields['value'])
  switch (fields['literal_type']) {
    case 'number':
      return value
    case 'string':
      return quoteText(value)
    case 'date':
      if (/^\d{4}-\d\d-\d\d$/.test(value)) return `DATE ${quoteText(value)}`
      break
    case 'timestamp':
      if (/^\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d(\.\d{1,6})?)?)?$/.test(value)) return `TIMESTAMP ${quoteText(value)}`
      break
  }
  throw refuseSql(`the literal ${quoteText(value.slice(0, 40))} is not in the SQL subset`, "Write DATE '2026-01-31'.")
}

function renderIn(fields: SqlNode['fields'], query: RenderQuery): string {
  allowFields('IN', fields, ['this', 'expressions', 'query', 'not'])
  const inner = optionalNode(fields['query'])
  const list = nodesOf(fields['expressions']).map((item) => renderExpression(item, query))
  const not = fields['not'] === true ? 'NOT ' : ''
  const members = inner === undefined ? list.join(', ') : query(inner)
  return `(${renderExpression(nodeOf(fields['this']), query)} ${not}IN (${members}))`
}

function renderLike(fields: SqlNode['fields'], render: (value: unknown) => string): string {
  allowFields('LIKE', fields, ['left', 'right', 'escape'])
  const escaped = fields['escape'] ? ` ESCAPE ${render(fields['escape'])}` : ''
  return `(${render(fields['left'])} LIKE ${render(fields['right'])}${escaped})`
}

function renderCase(fields: SqlNode['fields'], render: (value: unknown) => string): string {
  allowFields('CASE', fields, ['operand', 'whens', 'else_'])
  const operand = fields['operand'] ? `${render(fields['operand'])} ` : ''
  const whens = listOf(fields['whens']).map((when) => {
    const [condition, result] = listOf(when)
    return `WHEN ${render(condition)} THEN ${render(result)}`
  })
  const otherwise = fields['else_'] ? ` ELSE ${render(fields['else_'])}` : ''
  return `(CASE ${operand}${whens.join(' ')}${otherwise} END)`
}

/** `EXTRACT(field FROM x)` is the function of that name. */
function renderExtract(fields: SqlNode['fields'], query: RenderQuery): string {
  allowFields('EXTRACT', fields, ['this', 'field'])
  const { field } = fields
  const written = typeof field === 'string' ? field : String(recordOf(field)['Custom'])
  const name = written.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()
  const calendar = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']
  if (![...calendar, 'day_of_week', 'day_of_month', 'day_of_year'].includes(name)) {
    throw refuseSql(`extract(${name} …) is not in the SQL subset`, `Extract one of ${calendar.join(', ')}.`)
  }
  const args = [nodeOf(fields['this'])]
  return callFunction({ name, args, star: false, distinct: false, filter: undefined }, query, '')
}

function renderArithmetic({ tag, fields }: SqlNode, query: RenderQuery): string {
  allowFields('arithmetic', fields, ['left', 'right'])
  const [left, right] = [nodeOf(fields['left']), nodeOf(fields['right'])]
  if (evidentType(right) === 'interval' && (tag === 'add' || tag === 'sub')) {
    return moveByInterval(left, tag === 'add' ? '+' : '-', right, query)
  }
  if (evidentType(left) === 'interval' && tag === 'add') return moveByInterval(right, '+', left, query)
  const [a, b] = [operandOf(left, query), operandOf(right, query)]
  if (tag === 'div') return divide(a, b)
  if (tag === 'mod') return remainder(a, b)
  return tag === 'sub' ? subtract(a, b) : `(${a.sql} + ${b.sql})`
}

function moveByInterval(value: SqlNode, operator: '+' | '-', interval: SqlNode, query: RenderQuery): string {
  const { unit, count } = readInterval(interval)
  return moveDate(operandOf(value, query), operator, unit, count)
}

/** A constant interval such as `INTERVAL '7' DAY`. @throws EsteiraError ESTEIRA_SQL */
export function renderInterval(node: SqlNode): string {
  const { unit, count } = readInterval(node)
  return intervalOf(unit, count)
}

function readInterval({ tag, fields }: SqlNode): { unit: string; count: string } {
  const amount = tag === 'interval' ? nodeOf(fields['this']) : undefined
  const count = String(amount?.fields['value'])
  const unit = recordOf(fields['unit'])
  if (amount === undefined || unit['type'] !== 'simple' || !/^-?\d+$/.test(count)) {
    throw refuseSql('only an interval of one unit is in the SQL subset', "Write INTERVAL '7' DAY.")
  }
  return { unit: unitOf('INTERVAL', String(unit['unit'])), count }
}

function renderCall(node: SqlNode, query: RenderQuery, over: string): string {
  const call = callOf(node)
  if (call !== undefined) return callFunction(call, query, over)
  throw unknownFunction(typeof node.fields['name'] === 'string' ? node.fields['name'] : node.tag)
}

function callFunction(call: SqlCall, query: RenderQuery, over: string): string {
  const { name } = call
  const found = Object.hasOwn(ALLOWED_FUNCTIONS, name) ? ALLOWED_FUNCTIONS[name] : undefined
  if (found === undefined) throw unknownFunction(name)
  const isBare = call.args.length === 0 && name === 'count'
  if (call.args.length < found.least || call.args.length > found.most || (isBare && !call.star)) {
    const expected = found.least === found.most ? found.least : `${found.least} to ${found.most}`
    throw refuseSql(`${name}: ${expected} arguments were expected, ${call.args.length} came`, 'Correct the call.')
  }
  checkUse(call, found.kind, over)
  const args = call.args.map((arg): Argument => ({ ...operandOf(arg, query), text: textOf(arg) }))
  const filter = call.filter === undefined ? '' : ` FILTER (WHERE ${renderExpression(call.filter, query)})`
  return found.render(args, (target, inner) => {
    const list = call.star ? '*' : inner.join(', ')
    return `${target}(${call.distinct ? 'DISTINCT ' : ''}${list})${filter}${over}`
  })
}

function checkUse({ name, distinct, filter }: SqlCall, kind: 'scalar' | 'aggregate' | 'window', over: string): void {
  if (kind === 'window' && over === '') throw refuseSql(`${name} needs OVER (…)`, 'Write the window.')
  if (kind === 'scalar' && over !== '') throw refuseSql(`${name} is no window function`, 'Leave OVER out.')
  if (kind !== 'aggregate' && (distinct || filter !== undefined)) {
    throw refuseSql(`${name} takes no DISTINCT and no FILTER`, 'Leave it out.')
  }
}

function textOf({ tag, fields }: SqlNode): string | undefined {
  return tag === 'literal' && fields['literal_type'] === 'string' ? String(fields['value']) : undefined
}

function unknownFunction(name: string): Error {
  const near = nearest(name, Object.keys(ALLOWED_FUNCTIONS))
  return refuseSql(
    `"${name}" is not in the SQL subset`,
    near === undefined ? 'Write it another way.' : `The nearest function is ${near}.`,
  )
}
