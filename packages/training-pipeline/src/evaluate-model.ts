import {
  type Baseline,
  EsteiraError,
  type Frame,
  type Gate,
  type ModelRegistry,
  type ModelVersion,
  takeRows,
} from '@esteira/core'
import { loadModelFolder } from '@esteira/models'
import { type BinaryEvaluation, evaluateBinary } from '@esteira/statistics'
import { evaluateBaselines } from './baselines.js'
import { type GateVerdict, judgeGates, type LiveComparison } from './gates.js'
import { pick } from './train-model.js'
import type { TrainingSet } from './training-set.js'

/** Tag of a version: the day up to which its training labels reach. */
export const LABELS_END_TAG = 'esteira.labels_end'

export interface Evaluation {
  readonly test: BinaryEvaluation
  readonly baselines: Partial<Record<Baseline, BinaryEvaluation>>
  readonly live: LiveComparison
  readonly gates: readonly GateVerdict[]
  /** True when every gate passed. */
  readonly passed: boolean
  readonly testRows: number
  readonly probability: Float64Array
}

export interface EvaluateOptions {
  readonly set: TrainingSet
  readonly predict: (rows: Frame) => { readonly probability: Float64Array }
  readonly gates: readonly Gate[]
  readonly live?: { readonly version: ModelVersion; readonly folder: string }
  readonly xgboostLibrary?: string
  readonly seed: number
  readonly signal?: AbortSignal
}

/** Judges a model on the test part beside the baselines and the live model, all on the same rows. */
export async function evaluateModel(options: EvaluateOptions): Promise<Evaluation> {
  const { set, seed, signal } = options
  const rows = takeRows(set.features, set.parts.test)
  const labels = pick(set.labels, set.parts.test)
  const { probability } = options.predict(rows)
  const test = evaluateBinary(labels, probability)
  const baselines = await evaluateBaselines(set, { seed, ...(signal && { signal }) })
  const live = await compareLive(options, rows, labels)
  const gates = judgeGates(options.gates, { challenger: test, baselines, live })
  return {
    test,
    baselines,
    live,
    gates,
    passed: gates.every(({ passed }) => passed),
    testRows: rows.rowCount,
    probability,
  }
}

/** The live model on the same rows; not comparable when it may have learnt from their labels, or cannot score them. */
async function compareLive(
  { set, live, xgboostLibrary }: EvaluateOptions,
  rows: Frame,
  labels: Uint8Array,
): Promise<LiveComparison> {
  if (live === undefined) return { kind: 'none' }
  const { version, tags } = live.version
  const labelsEnd = tags[LABELS_END_TAG]
  if (set.testDate === undefined || labelsEnd === undefined) {
    return {
      kind: 'not_comparable',
      version,
      isNewer: false,
      reason: 'rows without time: it may have learnt from these rows',
    }
  }
  if (set.testDate < labelsEnd) {
    return {
      kind: 'not_comparable',
      version,
      isNewer: true,
      reason: `its training labels reach to ${labelsEnd}, after the test date ${set.testDate}`,
    }
  }
  try {
    const model = await loadModelFolder(live.folder, xgboostLibrary === undefined ? {} : { xgboostLibrary })
    try {
      return { kind: 'compared', version, metrics: evaluateBinary(labels, model.predict(rows).probability) }
    } finally {
      model.close()
    }
  } catch (error) {
    // Other features are no contest; a live model that cannot be loaded at all is trouble that people must know of.
    if (!(error instanceof EsteiraError) || error.code !== 'ESTEIRA_SIGNATURE') throw error
    return { kind: 'not_comparable', version, isNewer: false, reason: error.message }
  }
}

/** The version that `production` (or `staging`) points at, with its files; undefined when none is live. */
export async function findLive(
  registry: ModelRegistry,
  name: string,
  options: { readonly alias: string; readonly cacheFolder: string },
): Promise<{ readonly version: ModelVersion; readonly folder: string } | undefined> {
  const version = await registry.versionByAlias(name, options.alias)
  return version === undefined
    ? undefined
    : { version, folder: await registry.modelFolder(version, options.cacheFolder) }
}
