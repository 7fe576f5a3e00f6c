import { type Lakehouse, type QueryOptions, toRows } from '@esteira/core'
import type { FailedExample } from './feature-check.js'
import { type RowCheck, SHOWN_COLUMNS } from './row-check.js'

const MOST_EXAMPLES = 5
const LONGEST_EXAMPLE = 40

/**
 * The first failing rows of each check by date and entity, the same ones in whatever order an engine reads: one statement for all
 * that a row breaks by itself, one for each check that holds rows against others.
 */
export async function findExamples(
  lakehouse: Lakehouse,
  checks: readonly RowCheck[],
  query: QueryOptions,
): Promise<ReadonlyMap<RowCheck, readonly FailedExample[]>> {
  const together = checks.filter(({ count }) => 'aggregate' in count)
  const apart = checks.filter(({ count }) => 'select' in count).map((check) => [check])
  const examples = new Map<RowCheck, readonly FailedExample[]>()
  for (const group of [together, ...apart]) {
    if (group.length === 0) continue
    const found = toRows(await lakehouse.engine.query(selectExamples(group), query))
    for (const [index, check] of group.entries()) {
      const rows = found.filter((row) => row['check'] === index)
      examples.set(
        check,
        rows.map((row) => exampleOf(check, row)),
      )
    }
  }
  return examples
}

function selectExamples(checks: readonly RowCheck[]): string {
  const branches = checks.map(
    ({ failing }, index) =>
      `SELECT ${index} AS "check", e${index}.* FROM (${failing} ORDER BY 1, 2, 3, 4 LIMIT ${MOST_EXAMPLES}) AS e${index}`,
  )
  return `SELECT * FROM (${branches.join('\nUNION ALL\n')}) AS e ORDER BY 1, 2, 3, 4, 5`
}

function exampleOf({ describe }: RowCheck, row: ReturnType<typeof toRows>[number]): FailedExample {
  const values = Array.from({ length: SHOWN_COLUMNS }, (_, slot) => String(row[`t${slot}`] ?? row[`n${slot}`] ?? null))
  return { key: cut(`${row['entity']}, ${row['day']}`), value: cut(describe(values)) }
}

function cut(text: string): string {
  return text.length > LONGEST_EXAMPLE ? `${text.slice(0, LONGEST_EXAMPLE - 1)}…` : text
}
