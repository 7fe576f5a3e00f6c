import { decideDrift } from './decide-drift.js'
import { DEFAULT_DRIFT_POLICY, type DriftPolicy } from './drift-policy.js'
import type { DriftReport } from './drift-report.js'
import { type DriftInput, measureDrift } from './measure-drift.js'

export interface DetectDriftOptions extends DriftInput {
  /** Differences from {@link DEFAULT_DRIFT_POLICY}. */
  readonly policy?: Partial<DriftPolicy>
}

/**
 * Compares a batch with the reference profile of a model: per column a score, a p-value and a status with its reason,
 * and one verdict on the whole. Numeric: Wasserstein distance in reference standard deviations with a
 * Kolmogorov-Smirnov p-value; categorical: Jensen-Shannon distance with a chi-square p-value.
 *
 * @throws EsteiraError ESTEIRA_USAGE when probability or prediction has not one value per row
 * @example
 * const report = detectDrift({ reference, current, probability, policy: { important: ['days_since_last_transaction'] } })
 * if (report.verdict !== 'none') console.log(report.reasons.join('\n'))
 */
export function detectDrift({ policy, ...input }: DetectDriftOptions): DriftReport {
  return decideDrift(measureDrift(input), { ...DEFAULT_DRIFT_POLICY, ...policy })
}
