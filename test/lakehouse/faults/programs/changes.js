// The changes that writers of these tests make, numbered: the n-th change is the same in every process, and so is the
// state of the table after it. A test computes that state here, without any table.

/** @typedef {{ readonly bucket: number, readonly n: number }} Row */
/** @typedef {ReadonlyMap<number, Row>} Rows rows by key */

/** @type {readonly { readonly name: string, readonly type: 'long' | 'int' | 'string' }[]} */
export const COLUMNS = [
  { name: 'key', type: 'long' },
  { name: 'bucket', type: 'int' },
  { name: 'n', type: 'int' },
  { name: 'filler', type: 'string' },
]

const BUCKETS = 4
const KINDS = /** @type {const} */ (['append', 'replace'])

/** @param {number} n @returns {(typeof KINDS)[number]} */
export function kindOf(n) {
  return KINDS[n % KINDS.length] ?? 'append'
}

/**
 * Makes change `n` of the table. The same commit id every time: doing it again changes nothing.
 * @param {import('@esteira/core').Lakehouse} lakehouse @param {string} table @param {number} n
 */
export async function makeChange(lakehouse, table, n) {
  const commit = { commitId: `change-${n}`, runId: 'faults' }
  switch (kindOf(n)) {
    case 'append':
      return lakehouse.append(table, selectOf(newKeys(n), n), commit)
    case 'replace':
      return lakehouse.replace(
        table,
        [{ column: 'bucket', op: '=', value: n % BUCKETS }],
        selectOf(newKeys(n), n),
        commit,
      )
  }
}

/** The rows after change `n`, given those before it. @param {Rows} before @param {number} n @returns {Rows} */
export function afterChange(before, n) {
  const rows = new Map(before)
  if (kindOf(n) === 'replace') for (const [key, { bucket }] of before) if (bucket === n % BUCKETS) rows.delete(key)
  const { first, count } = newKeys(n)
  for (let key = first; key < first + count; key++) rows.set(key, { bucket: bucketOf(key, n), n })
  return rows
}

/** @param {number} n */
function newKeys(n) {
  return { first: n * 1000, count: n % 5 === 0 ? 900 : 40 }
}

/** A replacing change fills its own bucket, the others fill all. @param {number} key @param {number} n */
function bucketOf(key, n) {
  return kindOf(n) === 'replace' ? n % BUCKETS : key % BUCKETS
}

/** @param {{ readonly first: number, readonly count: number }} keys @param {number} n */
function selectOf({ first, count }, n) {
  const bucket = kindOf(n) === 'replace' ? String(n % BUCKETS) : `range % ${BUCKETS}`
  return `SELECT range AS key, ${bucket} AS bucket, ${n} AS n, 'row ' || range AS filler FROM range(${first}, ${first + count})`
}
