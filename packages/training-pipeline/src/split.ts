import { addDays, EsteiraError } from '@esteira/core'

/** Feature dates by what they may be used for. No label of a row that is learnt from reaches into a date that is judged on. */
export interface PurgedSplit {
  /** The last mature date: touched once, by the evaluation. */
  readonly test: string
  /** The last date whose labels are known at `test`; absent where history is too short, see `note`. */
  readonly validation?: string
  /** Dates to choose with: early stopping and search learn from these. Their labels end at `validation` or before. */
  readonly train: readonly string[]
  /** Dates of the final fit, with what was chosen. Their labels end at `test` or before. */
  readonly finalFit: readonly string[]
  readonly horizonDays: number
  readonly note?: string
}

/**
 * The split by time, purged by the label's horizon H: test = the last date T, validation = the last V with V + H <= T, train =
 * dates D with D + H <= V, final fit = dates D with D + H <= T. Where no V leaves a training date, a share of the entities of
 * the final-fit dates validates instead, and `note` says so.
 *
 * @throws EsteiraError ESTEIRA_NO_DATA when not even a final fit is left
 */
export function purgedSplit(featureDates: readonly string[], horizonDays: number): PurgedSplit {
  const dates = [...new Set(featureDates)].sort()
  const test = dates.at(-1)
  if (test === undefined)
    throw new EsteiraError('ESTEIRA_NO_DATA', 'no mature feature date: there is nothing to learn from')
  const knownAt = (at: string) => dates.filter((day) => addDays(day, horizonDays) <= at)
  const finalFit = knownAt(test)
  if (finalFit.length === 0) {
    throw new EsteiraError(
      'ESTEIRA_NO_DATA',
      `no feature date has its label known ${horizonDays} days later at ${test}, the test date; there are ${dates.join(', ')}`,
      { hint: `Train on a history of at least two feature dates that lie ${horizonDays} days apart.` },
    )
  }
  const validation = finalFit.at(-1)
  const train = validation === undefined ? [] : knownAt(validation)
  if (validation === undefined || train.length === 0) {
    const note = `history is too short for a purged validation date: one customer in ${VALIDATION_ONE_IN} validates instead`
    return { test, train: finalFit, finalFit, horizonDays, note }
  }
  return { test, validation, train, finalFit, horizonDays }
}

/** Of this many entities (or rows of a table without time) one validates. */
const VALIDATION_ONE_IN = 5

/** Whether an entity belongs to the validating share: by FNV-1a over its text, the same for all its rows, on every machine. */
function validates(entity: string): boolean {
  let hash = 0x811c9dc5
  for (let index = 0; index < entity.length; index++) {
    hash ^= entity.charCodeAt(index)
    hash = Math.imul(hash, 0x01000193)
  }
  return (hash >>> 0) % VALIDATION_ONE_IN === 0
}

/** Row numbers of the parts of a training set. */
export interface Parts {
  readonly train: Int32Array
  readonly validation: Int32Array
  /** Rows of the last fit: train and validation, and what the purge kept from choosing. */
  readonly finalFit: Int32Array
  readonly test: Int32Array
}

/** Parts of rows that have a feature date each. */
export function partsByDate(
  split: PurgedSplit,
  rows: { readonly dates: readonly string[]; readonly entities: readonly string[] },
): Parts {
  const parts = { train: [] as number[], validation: [] as number[], finalFit: [] as number[], test: [] as number[] }
  const train = new Set(split.train)
  const finalFit = new Set(split.finalFit)
  for (const [row, day] of rows.dates.entries()) {
    if (day === split.test) parts.test.push(row)
    if (finalFit.has(day)) parts.finalFit.push(row)
    if (split.validation === undefined) {
      if (finalFit.has(day)) (validates(rows.entities[row] ?? '') ? parts.validation : parts.train).push(row)
    } else if (day === split.validation) parts.validation.push(row)
    else if (train.has(day)) parts.train.push(row)
  }
  return {
    train: Int32Array.from(parts.train),
    validation: Int32Array.from(parts.validation),
    finalFit: Int32Array.from(parts.finalFit),
    test: Int32Array.from(parts.test),
  }
}

/**
 * Parts of rows without time: 60 % train, 20 % validation, 20 % test, drawn within each class, so that all parts hold the same
 * share of positives. The same seed and labels give the same parts.
 */
export function stratifiedParts(labels: Uint8Array, seed: number): Parts {
  const random = mulberry32(seed)
  const parts = { train: [] as number[], validation: [] as number[], test: [] as number[] }
  for (const label of [0, 1]) {
    const rows = [...labels.keys()].filter((row) => labels[row] === label)
    shuffle(rows, random)
    const fifth = Math.round(rows.length / 5)
    parts.test.push(...rows.slice(0, fifth))
    parts.validation.push(...rows.slice(fifth, 2 * fifth))
    parts.train.push(...rows.slice(2 * fifth))
  }
  const sorted = (rows: readonly number[]) => Int32Array.from(rows).sort()
  return {
    train: sorted(parts.train),
    validation: sorted(parts.validation),
    finalFit: sorted([...parts.train, ...parts.validation]),
    test: sorted(parts.test),
  }
}

function shuffle(rows: number[], random: () => number): void {
  for (let last = rows.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const kept = rows[last] ?? 0
    rows[last] = rows[other] ?? 0
    rows[other] = kept
  }
}

/** Small seeded generator of numbers in [0, 1) (Tommy Ettinger's mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
