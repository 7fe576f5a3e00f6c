import type { ReferenceProfile } from '@esteira/statistics'
import { detectDrift } from './detect-drift.js'
import type { DriftPolicy } from './drift-policy.js'
import type { DriftReport } from './drift-report.js'
import type { DriftInput } from './measure-drift.js'

export interface ModelMonitorOptions {
  /** The profile frozen in the model version. */
  readonly reference: ReferenceProfile
  readonly policy?: Partial<DriftPolicy>
}

/**
 * Watches one model version: the same reference and policy for every batch.
 *
 * @example
 * const monitor = new ModelMonitor({ reference: parseReferenceProfile(json) })
 * const report = monitor.run({ current: features, probability })
 */
export class ModelMonitor {
  readonly #options: ModelMonitorOptions

  constructor(options: ModelMonitorOptions) {
    this.#options = options
  }

  /** @throws EsteiraError ESTEIRA_USAGE when probability or prediction has not one value per row */
  run(batch: Omit<DriftInput, 'reference'>): DriftReport {
    return detectDrift({ ...batch, ...this.#options })
  }
}
