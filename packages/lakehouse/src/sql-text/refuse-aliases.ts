import { ALLOWED_FUNCTIONS } from './allowed-functions.js'
import { refuseSql } from './refuse-sql.js'
import { callOf } from './sql-call.js'
import { identifier, listOf, nodesOf, recordOf, type SqlNode } from './sql-tree.js'

type Fields = Readonly<Record<string, unknown>>

/**
 * Refuses a HAVING that uses a name which the SELECT list only gives: Athena looks for a column of that name.
 * @throws EsteiraError ESTEIRA_SQL
 */
export function refuseAliases(select: Fields): void {
  const having = recordOf(select['having'])['this']
  if (having === undefined) return
  const given = new Set(
    nodesOf(select['expressions'])
      .filter(({ tag }) => tag === 'alias')
      .map(({ fields }) => identifier(fields['alias']).toLowerCase()),
  )
  // What the query groups by is a column of its own right.
  forEachColumn(recordOf(select['group_by'])['expressions'], (name) => given.delete(name))
  forEachColumn(having, (name) => {
    if (!given.has(name)) return
    throw refuseSql(
      `HAVING cannot use "${name}", a name that the SELECT list gives`,
      'Repeat the expression, e.g. HAVING count(*) > 1.',
    )
  })
}

const QUERIES = ['subquery', 'select', 'exists', 'union', 'intersect', 'except']

/** Calls `see` with the bare columns of an expression; not those inside of aggregates and of other queries. */
function forEachColumn(value: unknown, see: (name: string) => void): void {
  if (Array.isArray(value)) {
    for (const each of listOf(value)) forEachColumn(each, see)
    return
  }
  for (const [tag, inner] of Object.entries(recordOf(value))) {
    if (QUERIES.includes(tag)) continue
    const fields = recordOf(inner)
    if (tag === 'column') {
      if (!fields['table']) see(identifier(fields['name']).toLowerCase())
    } else if (!isAggregate({ tag, fields })) forEachColumn(inner, see)
  }
}

function isAggregate(node: SqlNode): boolean {
  if (Object.keys(node.fields).length === 0) return false
  const call = callOf(node)
  return call !== undefined && ALLOWED_FUNCTIONS[call.name]?.kind === 'aggregate'
}
