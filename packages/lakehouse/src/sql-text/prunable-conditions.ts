import type { PruningCondition } from '@esteira/core'
import { identifier, listOf, nodeOf, nodesOf, recordOf, type SqlNode } from './sql-tree.js'

type Fields = Readonly<Record<string, unknown>>
type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

const COMPARISONS: Readonly<Record<string, readonly [Comparison, Comparison]>> = {
  eq: ['=', '='],
  neq: ['!=', '!='],
  lt: ['<', '>'],
  lte: ['<=', '>='],
  gt: ['>', '<'],
  gte: ['>=', '<='],
}

const ROWS_ARE_ONLY_LOST: ReadonlySet<unknown> = new Set(['Inner', 'Cross', 'Implicit'])

/**
 * What the WHERE of a SELECT says of single columns of one of its sources: parts joined by AND that compare a column with
 * literals. They only serve to pass by files; the WHERE itself stays as it is. An outer join makes rows out of missing ones, so
 * below one nothing is concluded.
 *
 * @param alias the name that the source has in this SELECT
 */
export function prunableConditions(select: Fields, alias: string): readonly PruningCondition[] {
  const where = recordOf(select['where_clause'])['this']
  const joins = listOf(select['joins']).map(recordOf)
  if (where === undefined || !joins.every((join) => ROWS_ARE_ONLY_LOST.has(join['kind']))) return []
  const sources = nodesOf(recordOf(select['from'])['expressions']).length + joins.length
  return conjuncts(nodeOf(where)).flatMap((node) => conditionsOf(node, { alias, isOnly: sources === 1 }))
}

interface Source {
  readonly alias: string
  /** A column without a table is surely its own. */
  readonly isOnly: boolean
}

function conjuncts(node: SqlNode): readonly SqlNode[] {
  if (node.tag === 'paren') return conjuncts(nodeOf(node.fields['this']))
  if (node.tag !== 'and') return [node]
  return [...conjuncts(nodeOf(node.fields['left'])), ...conjuncts(nodeOf(node.fields['right']))]
}

function conditionsOf({ tag, fields }: SqlNode, source: Source): readonly PruningCondition[] {
  if (tag === 'is_null') {
    const column = columnOf(fields['this'], source)
    return column === undefined ? [] : [{ column, op: fields['not'] === true ? 'is not null' : 'is null' }]
  }
  if (tag === 'between' && fields['not'] !== true) {
    const column = columnOf(fields['this'], source)
    return [...compare(column, '>=', fields['low']), ...compare(column, '<=', fields['high'])]
  }
  if (tag === 'in') return listCondition(fields, source)
  const operators = COMPARISONS[tag]
  if (operators === undefined) return []
  const { left, right } = fields
  return [
    ...compare(columnOf(left, source), operators[0], right),
    ...compare(columnOf(right, source), operators[1], left),
  ]
}

function listCondition(fields: Fields, source: Source): readonly PruningCondition[] {
  const column = columnOf(fields['this'], source)
  const literals = nodesOf(fields['expressions']).map(literalOf)
  const [first] = literals
  const alike = literals.every(
    (each) => each?.valueType === first?.valueType && typeof each?.value === typeof first?.value,
  )
  if (column === undefined || first === undefined || !alike || fields['query']) return []
  const value = literals.flatMap((each) => (each === undefined || typeof each.value === 'boolean' ? [] : [each.value]))
  if (value.length !== literals.length) return []
  const { valueType } = first
  const op = fields['not'] === true ? 'not in' : 'in'
  return [{ column, op, value, ...(valueType === undefined ? {} : { valueType }) }]
}

function compare(column: string | undefined, op: Comparison, value: unknown): readonly PruningCondition[] {
  const literal = literalOf(nodeOf(value))
  return column === undefined || literal === undefined ? [] : [{ column, op, ...literal }]
}

function columnOf(value: unknown, { alias, isOnly }: Source): string | undefined {
  const { tag, fields } = nodeOf(value)
  if (tag === 'paren') return columnOf(fields['this'], { alias, isOnly })
  if (tag !== 'column') return undefined
  const isOwn = fields['table'] ? identifier(fields['table']).toLowerCase() === alias.toLowerCase() : isOnly
  return isOwn ? identifier(fields['name']) : undefined
}

interface Literal {
  readonly value: string | number | boolean
  readonly valueType?: 'date' | 'timestamp'
}

function literalOf({ tag, fields }: SqlNode): Literal | undefined {
  switch (tag) {
    case 'paren':
      return literalOf(nodeOf(fields['this']))
    case 'boolean':
      return { value: fields['value'] === true }
    case 'neg': {
      const literal = literalOf(nodeOf(fields['this']))
      return typeof literal?.value === 'number' ? { value: -literal.value } : undefined
    }
    case 'cast':
      return castLiteral(fields)
    case 'literal':
      return plainLiteral(String(fields['value']), fields['literal_type'])
    default:
      return undefined
  }
}

function plainLiteral(text: string, type: unknown): Literal | undefined {
  if (type === 'string') return { value: text }
  if (type === 'date' || type === 'timestamp') return moment(text, type)
  const digits = text
    .replace(/^0+(?=\d)/, '')
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')
  // Only numbers that survive the way through a double: others would name a value beside the one that is meant.
  return type === 'number' && String(Number(digits)) === digits ? { value: Number(digits) } : undefined
}

/** `CAST('2026-01-31' AS DATE)` */
function castLiteral(fields: Fields): Literal | undefined {
  const type = recordOf(fields['to'])['data_type']
  const literal = literalOf(nodeOf(fields['this']))
  const isMoment = (type === 'date' || type === 'timestamp') && literal?.valueType === undefined
  return isMoment && typeof literal?.value === 'string' ? moment(literal.value, type) : undefined
}

function moment(text: string, type: 'date' | 'timestamp'): Literal | undefined {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return { value: text, valueType: type }
  if (type === 'date') return undefined
  const time = /^(\d{4}-\d\d-\d\d \d\d:\d\d)(:\d\d(?:\.\d{1,6})?)?$/.exec(text)
  return time === null ? undefined : { value: `${time[1]}${time[2] ?? ':00'}`, valueType: type }
}
