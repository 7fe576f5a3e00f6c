import type { LabelledMatrix } from '../classifier.js'
import { arrayInterface } from './array-interface.js'
import type { Pointer, XgboostLibrary } from './library.js'

/** A `DMatrix`: XGBoost's own copy of rows and labels, freed by {@link TrainingMatrix.close}. */
export class TrainingMatrix {
  readonly handle: Pointer
  readonly #library: XgboostLibrary

  constructor(library: XgboostLibrary, { matrix, labels }: LabelledMatrix, threads: number) {
    this.#library = library
    const out: [Pointer | null] = [null]
    const shape = [matrix.rows, matrix.names.length]
    const data = arrayInterface(library.addressOf(matrix.values), shape, '<f4')
    library.call('XGDMatrixCreateFromDense', data, `{"missing":NaN,"nthread":${threads}}`, out)
    this.handle = out[0] ?? 0n
    try {
      const target = Float32Array.from(labels)
      const label = arrayInterface(library.addressOf(target), [target.length], '<f4')
      library.call('XGDMatrixSetInfoFromInterface', this.handle, 'label', label)
      const types = matrix.names.map(() => 'float')
      library.call('XGDMatrixSetStrFeatureInfo', this.handle, 'feature_name', matrix.names, matrix.names.length)
      library.call('XGDMatrixSetStrFeatureInfo', this.handle, 'feature_type', types, types.length)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#library.call('XGDMatrixFree', this.handle)
  }
}
