import { EsteiraError } from '@esteira/core'
import type { FeatureMatrix } from '../feature-matrix.js'
import { arrayInterface } from './array-interface.js'
import type { Pointer, XgboostLibrary } from './library.js'
import type { TrainingMatrix } from './training-matrix.js'

interface Owned {
  readonly library: XgboostLibrary
  readonly handle: Pointer
}

// A booster nobody closed is freed when it is collected: its trees live outside the heap that Node.js sees.
const forgotten = new FinalizationRegistry<Owned>(({ library, handle }) => library.call('XGBoosterFree', handle))

/** The trees of a model inside libxgboost. */
export class Booster {
  readonly #library: XgboostLibrary
  #handle: Pointer | undefined

  private constructor(library: XgboostLibrary, handle: Pointer) {
    this.#library = library
    this.#handle = handle
    forgotten.register(this, { library, handle }, this)
  }

  /** An empty booster that is going to be trained on the first of the matrices. */
  static create(
    library: XgboostLibrary,
    matrices: readonly TrainingMatrix[],
    parameters: Iterable<[string, string]>,
  ): Booster {
    const out: [Pointer | null] = [null]
    library.call(
      'XGBoosterCreate',
      matrices.map((matrix) => matrix.handle),
      matrices.length,
      out,
    )
    const booster = new Booster(library, out[0] ?? 0n)
    for (const [name, value] of parameters) booster.setParameter(name, value)
    return booster
  }

  static load(library: XgboostLibrary, file: string): Booster {
    const booster = Booster.create(library, [], [])
    try {
      library.call('XGBoosterLoadModel', booster.#open, file)
      return booster
    } catch (error) {
      booster.close()
      throw error
    }
  }

  get library(): XgboostLibrary {
    return this.#library
  }

  get rounds(): number {
    const out: [number] = [0]
    this.#library.call('XGBoosterBoostedRounds', this.#open, out)
    return out[0]
  }

  get featureCount(): number {
    const out: [number] = [0]
    this.#library.call('XGBoosterGetNumFeature', this.#open, out)
    return Number(out[0])
  }

  setParameter(name: string, value: string): void {
    this.#library.call('XGBoosterSetParam', this.#open, name, value)
  }

  /** One round of boosting. */
  update(iteration: number, matrix: TrainingMatrix): void {
    this.#library.call('XGBoosterUpdateOneIter', this.#open, iteration, matrix.handle)
  }

  /** The booster's metrics over each matrix, by `<name>-<metric>`. */
  evaluate(iteration: number, matrices: ReadonlyMap<string, TrainingMatrix>): ReadonlyMap<string, number> {
    const out: [string | null] = [null]
    const handles = [...matrices.values()].map((matrix) => matrix.handle)
    this.#library.call(
      'XGBoosterEvalOneIter',
      this.#open,
      iteration,
      handles,
      [...matrices.keys()],
      handles.length,
      out,
    )
    const fields = (out[0] ?? '').split('\t').slice(1)
    return new Map(
      fields.map((field) => {
        const colon = field.lastIndexOf(':')
        return [field.slice(0, colon), Number(field.slice(colon + 1))]
      }),
    )
  }

  /** A new booster of the first `rounds` rounds. */
  slice(rounds: number): Booster {
    const out: [Pointer | null] = [null]
    this.#library.call('XGBoosterSlice', this.#open, 0, rounds, 1, out)
    return new Booster(this.#library, out[0] ?? 0n)
  }

  /** Names the features inside the model, so that other readers of the file check them. */
  nameFeatures(names: readonly string[]): void {
    const types = names.map(() => 'float')
    this.#library.call('XGBoosterSetStrFeatureInfo', this.#open, 'feature_name', names, names.length)
    this.#library.call('XGBoosterSetStrFeatureInfo', this.#open, 'feature_type', types, types.length)
  }

  /** Scores of the features that occur in a split; the others are not in the map. */
  featureScores(kind: 'gain' | 'weight'): ReadonlyMap<string, number> {
    const count: [number] = [0]
    const names: [Pointer | null] = [null]
    const scores: [Pointer | null] = [null]
    const config = JSON.stringify({ importance_type: kind })
    this.#library.call('XGBoosterFeatureScore', this.#open, config, count, names, [0], [null], scores)
    const size = Number(count[0])
    if (size === 0 || names[0] === null || scores[0] === null) return new Map()
    const values = this.#library.floatsAt(scores[0], size)
    return new Map(this.#library.textsAt(names[0], size).map((name, index) => [name, values[index] ?? 0]))
  }

  /** Probabilities of the rows, straight from the matrix's memory. */
  predict(matrix: FeatureMatrix): Float64Array {
    if (matrix.rows === 0) return new Float64Array(0)
    const result: [Pointer | null] = [null]
    const shape = [matrix.rows, matrix.names.length]
    const data = arrayInterface(this.#library.addressOf(matrix.values), shape, '<f4')
    const config =
      '{"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"missing":NaN,"cache_id":0}'
    this.#library.call('XGBoosterPredictFromDense', this.#open, data, config, null, [null], [0], result)
    return Float64Array.from(this.#library.floatsAt(result[0] ?? 0n, matrix.rows))
  }

  save(file: string): void {
    this.#library.call('XGBoosterSaveModel', this.#open, file)
  }

  close(): void {
    if (this.#handle === undefined) return
    forgotten.unregister(this)
    this.#library.call('XGBoosterFree', this.#handle)
    this.#handle = undefined
  }

  get #open(): Pointer {
    if (this.#handle !== undefined) return this.#handle
    throw new EsteiraError('ESTEIRA_INTERNAL', 'the classifier was closed and cannot be used any more')
  }
}
