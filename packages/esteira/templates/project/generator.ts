/** Seeded numbers in [0, 1): mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const DAY_MS = 86_400_000
const HISTORY_DAYS = 730

/**
 * Sample orders, until you have real ones: customers come, order at a pace of their own, slow down and stay away.
 * Replace the file that `project.ts` names by your own data and remove this generator.
 */
export function* generateOrders(options: { rows: number; seed: number; until: string }): Generator<string> {
  const random = randomNumbers(options.seed)
  const end = Date.parse(`${options.until}T00:00:00Z`)
  yield 'order_id,customer_id,ordered_at,amount\n'
  let written = 0
  for (let customer = 1; written < options.rows; customer++) {
    const first = random() * HISTORY_DAYS
    const stays = 60 - Math.log(1 - random()) * 260
    const gap = 8 + random() * 18
    const price = 20 + random() * 80
    let lines = ''
    for (let day = first; day < HISTORY_DAYS && day < first + stays && written < options.rows; ) {
      // The last third of a customer's time shows the end coming: longer gaps, smaller orders.
      const fading = Math.max(0, ((day - first) / stays - 0.66) * 3)
      const at = new Date(end - (HISTORY_DAYS - day) * DAY_MS).toISOString().slice(0, 19).replace('T', ' ')
      const amount = (price * (0.7 + random() * 0.6) * (1 - 0.5 * fading)).toFixed(2)
      written++
      lines += `o${written},c${String(customer).padStart(6, '0')},${at},${amount}\n`
      day += gap * (0.4 + 1.2 * random()) * (1 + 3 * fading)
    }
    if (lines !== '') yield lines
  }
}
