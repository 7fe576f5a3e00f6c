import { refuseSql } from './refuse-sql.js'
import { type RenderQuery, renderExpression, renderInterval } from './render-expression.js'
import { allowFields, identifier, listOf, nodeOf, nodesOf, quoteName, recordOf } from './sql-tree.js'

type Fields = Readonly<Record<string, unknown>>

const BOUNDS: Readonly<Record<string, string>> = {
  UnboundedPreceding: 'UNBOUNDED PRECEDING',
  UnboundedFollowing: 'UNBOUNDED FOLLOWING',
  CurrentRow: 'CURRENT ROW',
}

/** ` OVER (…)`, or ` OVER "w"`. @throws EsteiraError ESTEIRA_SQL */
export function renderWindow(over: Fields, query: RenderQuery): string {
  const name = over['window_name']
  const spec = windowSpec(over, query)
  if (name && spec === '') return ` OVER ${quoteName(identifier(name))}`
  return ` OVER (${name ? `${quoteName(identifier(name))} ` : ''}${spec})`
}

/** The inside of a window: PARTITION BY, ORDER BY and frame. */
export function windowSpec(fields: Fields, query: RenderQuery): string {
  allowFields('OVER', fields, ['window_name', 'partition_by', 'order_by', 'frame'])
  const partition = nodesOf(fields['partition_by']).map((node) => renderExpression(node, query))
  const parts = [
    ...(partition.length === 0 ? [] : [`PARTITION BY ${partition.join(', ')}`]),
    ...orderBy(fields['order_by'], query),
    ...(fields['frame'] ? [renderFrame(recordOf(fields['frame']), query)] : []),
  ]
  return parts.join(' ')
}

/** `ORDER BY …`, nulls last unless asked first, as Trino does; empty when there is no order. */
export function orderBy(items: unknown, query: RenderQuery): string[] {
  const terms = listOf(items).map((item) => {
    const fields = recordOf(item)
    allowFields('ORDER BY', fields, ['this', 'desc', 'nulls_first'])
    const direction = fields['desc'] === true ? 'DESC' : 'ASC'
    const nulls = fields['nulls_first'] === true ? 'FIRST' : 'LAST'
    return `${renderExpression(nodeOf(fields['this']), query)} ${direction} NULLS ${nulls}`
  })
  return terms.length === 0 ? [] : [`ORDER BY ${terms.join(', ')}`]
}

function renderFrame(frame: Fields, query: RenderQuery): string {
  allowFields('the window frame', frame, ['kind', 'start', 'end'])
  const kind = String(frame['kind']).toUpperCase()
  if (kind !== 'ROWS' && kind !== 'RANGE') throw refuseSql(`a ${kind} frame is not in the SQL subset`, 'Use ROWS.')
  const start = renderBound(frame['start'], query)
  return frame['end'] ? `${kind} BETWEEN ${start} AND ${renderBound(frame['end'], query)}` : `${kind} ${start}`
}

function renderBound(bound: unknown, query: RenderQuery): string {
  const named = BOUNDS[String(bound)]
  if (named !== undefined) return named
  const [side, value] = Object.entries(recordOf(bound))[0] ?? []
  if (side !== 'Preceding' && side !== 'Following') throw refuseSql('the window frame is not understood', 'Check it.')
  const distance = nodeOf(value)
  const sql = distance.tag === 'interval' ? renderInterval(distance) : renderExpression(distance, query)
  return `${sql} ${side.toUpperCase()}`
}
