import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Classifier } from '../classifier.js'
import { checkFeatureNames, type FeatureMatrix } from '../feature-matrix.js'
import { sigmoid } from '../log-loss.js'
import { corrupt, type ModelDescription, parseModelFile, writeDescription } from '../model-description.js'
import type { ModelType } from '../model-type.js'

const schema = z.strictObject({ coefficients: z.array(z.number()), intercept: z.number() })

/** One coefficient a feature; the log-odds are their weighted sum. */
export type LinearWeights = Readonly<z.output<typeof schema>>

export class LinearClassifier implements Classifier {
  readonly #weights: LinearWeights
  readonly #description: ModelDescription

  constructor(weights: LinearWeights, description: ModelDescription) {
    this.#weights = weights
    this.#description = description
  }

  get modelType(): ModelType {
    return this.#description.model_type
  }

  get features(): readonly string[] {
    return this.#description.features
  }

  predictProbability(matrix: FeatureMatrix): Float64Array {
    checkFeatureNames(this.features, matrix)
    return logOdds(this.#weights, matrix).map(sigmoid)
  }

  async save(folder: string): Promise<void> {
    await writeFile(join(folder, this.#description.model_files[0]), `${JSON.stringify(this.#weights, null, 2)}\n`)
    await writeDescription(folder, this.#description)
  }

  describe(): ModelDescription {
    return this.#description
  }

  close(): void {}
}

/** Reads what {@link LinearClassifier} saved. */
export async function loadLinearClassifier(folder: string, description: ModelDescription): Promise<Classifier> {
  const weights = await parseModelFile(folder, description.model_files[0], schema)
  if (weights.coefficients.length !== description.features.length) {
    const reason = `it has ${weights.coefficients.length} coefficients for ${description.features.length} features`
    throw corrupt(folder, description.model_files[0], reason)
  }
  return new LinearClassifier(weights, description)
}

/** Log-odds of each row. */
export function logOdds({ coefficients, intercept }: LinearWeights, { rows, values }: FeatureMatrix): Float64Array {
  const width = coefficients.length
  const out = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    let sum = intercept
    for (let column = 0; column < width; column++) {
      sum += (coefficients[column] ?? 0) * (values[row * width + column] ?? 0)
    }
    out[row] = sum
  }
  return out
}
