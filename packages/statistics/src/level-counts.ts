import type { Column } from '@esteira/core'
import { formatDay, formatTimestamp } from '@esteira/core'

/** How often each value of a column occurs, nulls left out; values as text: `12.5`, `true`, `2026-01-31`. */
export interface LevelCounts {
  readonly counts: ReadonlyMap<string, number>
  /** True when counting stopped at the cap: there are more levels than `counts` holds. */
  readonly capped: boolean
}

/** Counts levels until there are more than `cap` of them. */
export function countLevels(column: Column, cap = Number.POSITIVE_INFINITY): LevelCounts {
  const counts = new Map<string | number | bigint, number>()
  const { nulls, values } = column
  let capped = false
  for (let row = 0; row < values.length; row++) {
    if (nulls !== undefined && nulls[row] === 1) continue
    const value = values[row] ?? 0
    const count = counts.get(value)
    if (count === undefined && counts.size >= cap) {
      capped = true
      break
    }
    counts.set(value, (count ?? 0) + 1)
  }
  // Text is made once per level, not once per row; 0 and −0 are one level, as a Map sees them.
  return { counts: new Map([...counts].map(([value, count]) => [levelText(column, value), count])), capped }
}

function levelText(column: Column, value: string | number | bigint): string {
  switch (column.type) {
    case 'boolean':
      return value === 1 ? 'true' : 'false'
    case 'date':
      return formatDay(Number(value))
    case 'timestamp':
      return formatTimestamp(BigInt(value))
    default:
      return String(value)
  }
}
