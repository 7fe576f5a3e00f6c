import { JSONParse } from 'json-with-bigint'

/**
 * Reads JSON whose whole numbers may have more digits than a double keeps: those come as bigint. The plain parser does the work;
 * numbers that it had to round are put right from the digits in the text. That is several times as fast as a parser of
 * its own, which is the time it takes to open a table of thousands of snapshots.
 *
 * @throws SyntaxError
 */
export function parseLossless(text: string): unknown {
  const value: unknown = JSON.parse(text)
  const digits = text.match(/-?\d{16,}/g)
  if (digits === null) return value
  const exact = exactNumbers(digits)
  // Two numbers that are the same double, or one that stands in no text: rare enough to be read slowly.
  return exact !== undefined && restore(value, exact) ? value : JSONParse(text)
}

function exactNumbers(digits: readonly string[]): ReadonlyMap<number, bigint> | undefined {
  const exact = new Map<number, bigint>()
  const texts = new Set(digits)
  for (const text of texts) {
    const rounded = Number(text)
    if (Number.isSafeInteger(rounded)) continue
    if (exact.has(rounded)) return undefined
    exact.set(rounded, BigInt(text))
  }
  return exact
}

/** Puts the exact numbers into a value; false when one is not known. */
function restore(value: unknown, exact: ReadonlyMap<number, bigint>): boolean {
  if (typeof value !== 'object' || value === null) return !isRounded(value)
  const container = value as Record<string, unknown>
  for (const key in container) {
    const inner = container[key]
    if (typeof inner === 'object') {
      if (!restore(inner, exact)) return false
    } else if (isRounded(inner)) {
      const number = exact.get(inner)
      if (number === undefined) return false
      container[key] = number
    }
  }
  return true
}

function isRounded(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
}
