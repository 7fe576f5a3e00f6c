/** What counts as drift. Measuring knows nothing of it. */
export interface DriftPolicy {
  /** Usable rows that both sides need before a column is judged. */
  readonly minRows: number
  /** Greatest Benjamini-Hochberg adjusted p-value of a drift. */
  readonly pValue: number
  /** Least Wasserstein distance, in standard deviations of the reference. */
  readonly numericThreshold: number
  /** Least Jensen-Shannon distance, base 2. */
  readonly categoricalThreshold: number
  /** Least change of the share of nulls, and of the share of NaN and infinities. */
  readonly nullShareThreshold: number
  /** Least share of rows whose level the reference does not know. */
  readonly newLevelThreshold: number
  /** Least share of rows outside the range of the reference. */
  readonly outOfRangeThreshold: number
  /** Least share of rows that differ from a reference of one value. */
  readonly constantThreshold: number
  /** From this share of drifted columns on, the verdict is critical. */
  readonly share: number
  /** Columns whose drift, or whose absence, is critical by itself. */
  readonly important: readonly string[]
  /** What drift of the model's own output means for the verdict. */
  readonly predictionDrift: 'warning' | 'critical'
}

export const DEFAULT_DRIFT_POLICY: DriftPolicy = {
  minRows: 100,
  pValue: 0.01,
  numericThreshold: 0.1,
  categoricalThreshold: 0.1,
  nullShareThreshold: 0.02,
  newLevelThreshold: 0.01,
  outOfRangeThreshold: 0.01,
  constantThreshold: 0.01,
  share: 0.5,
  important: [],
  predictionDrift: 'warning',
}
