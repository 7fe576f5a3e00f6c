// The changes that writers of these tests make, numbered: the n-th change is the same in every process, and so is the
// state of the table after it. A test computes that state here, without any table.

/** @typedef {{ readonly bucket: number, readonly n: number }} Row */
/** @typedef {ReadonlyMap<number, Row>} Rows rows by key */
/** @typedef {{ readonly first: number, readonly count: number }} Keys */

/** @type {readonly { readonly name: string, readonly type: 'long' | 'int' | 'string' }[]} */
export const COLUMNS = [
  { name: 'key', type: 'long' },
  { name: 'bucket', type: 'int' },
  { name: 'n', type: 'int' },
  { name: 'filler', type: 'string' },
]

const BUCKETS = 4
const CYCLE = /** @type {const} */ ([
  'append',
  'replace',
  'upsert',
  'append',
  'delete',
  'append',
  'compact',
  'replace',
  'expire',
  'sweep',
])

/** @typedef {(typeof CYCLE)[number]} Kind */

/** @param {number} n @returns {Kind} */
export function kindOf(n) {
  return CYCLE[n % CYCLE.length] ?? 'append'
}

/**
 * Makes change `n` of the table. The same commit id every time: doing it again changes nothing.
 * @param {import('@esteira/core').Lakehouse} lakehouse @param {string} table @param {number} n
 */
export async function makeChange(lakehouse, table, n) {
  const commit = { commitId: `change-${n}`, runId: 'faults' }
  switch (kindOf(n)) {
    case 'append':
      return lakehouse.append(table, selectOf(n), commit)
    case 'replace':
      return lakehouse.replace(table, [{ column: 'bucket', op: '=', value: n % BUCKETS }], selectOf(n), commit)
    case 'upsert':
      return lakehouse.upsert(table, ['key'], selectOf(n), commit)
    case 'delete':
      return lakehouse.delete(table, [{ column: 'n', op: '<', value: n - CYCLE.length }], commit)
    case 'compact':
      return lakehouse.compact(table, {}, commit)
    case 'expire':
      return lakehouse.expire(table, { keepLast: 3, olderThan: new Date(Date.now() + 60_000) })
    case 'sweep':
      // Nobody else writes to the table, so that files of this moment may go too.
      return lakehouse.removeOrphans(table, { olderThan: new Date(Date.now() + 60_000), dryRun: false })
  }
}

/** The rows after change `n`, given those before it. @param {Rows} before @param {number} n @returns {Rows} */
export function afterChange(before, n) {
  const kind = kindOf(n)
  const stays = (/** @type {Row} */ row) =>
    (kind !== 'replace' || row.bucket !== n % BUCKETS) && (kind !== 'delete' || row.n >= n - CYCLE.length)
  const rows = new Map([...before].filter(([, row]) => stays(row)))
  const { first, count } = keysOf(n)
  for (let key = first; key < first + count; key++) rows.set(key, { bucket: bucketOf(key, n), n })
  return rows
}

/** Keys of the rows that a change writes: an upsert hits half of what the change before it wrote. @param {number} n @returns {Keys} */
function keysOf(n) {
  const kind = kindOf(n)
  if (kind === 'upsert') return { first: (n - 1) * 1000 + 20, count: 40 }
  if (kind === 'append' || kind === 'replace') return { first: n * 1000, count: n % 3 === 0 ? 900 : 40 }
  return { first: 0, count: 0 }
}

/** A replacing change fills its own bucket, the others fill all. @param {number} key @param {number} n */
function bucketOf(key, n) {
  return kindOf(n) === 'replace' ? n % BUCKETS : key % BUCKETS
}

/** @param {number} n */
function selectOf(n) {
  const { first, count } = keysOf(n)
  const bucket = kindOf(n) === 'replace' ? String(n % BUCKETS) : `range % ${BUCKETS}`
  return `SELECT range AS key, ${bucket} AS bucket, ${n} AS n, 'row ' || range AS filler FROM range(${first}, ${first + count})`
}
