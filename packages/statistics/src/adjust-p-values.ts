/**
 * Benjamini-Hochberg adjusted p-values in the order given: rejecting those at or below q keeps the expected share of
 * false alarms among all alarms at or below q (Benjamini and Hochberg 1995; R's `p.adjust(method = "BH")`).
 *
 * @example
 * adjustPValues([0.01, 0.5, 0.02]) // [0.03, 0.5, 0.03]
 */
export function adjustPValues(pValues: readonly number[]): number[] {
  const descending = pValues.map((p, index) => ({ p, index })).sort((a, b) => b.p - a.p)
  const adjusted = new Array<number>(pValues.length)
  let smallest = 1
  descending.forEach(({ p, index }, position) => {
    // At the last rank n/n can round below p itself.
    smallest = Math.min(smallest, Math.max(p, (p * pValues.length) / (pValues.length - position)))
    adjusted[index] = smallest
  })
  return adjusted
}
