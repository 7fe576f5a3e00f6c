import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Classifier } from '../classifier.js'
import { checkFeatureNames, type FeatureMatrix } from '../feature-matrix.js'
import { sigmoid } from '../log-loss.js'
import {
  corrupt,
  type ModelDescription,
  parseModelFile,
  readModelFile,
  writeDescription,
} from '../model-description.js'
import type { ModelType } from '../model-type.js'

/** File of the weights beside the layers' file. */
export const WEIGHTS_FILE = 'weights.bin'

const ACTIVATIONS = ['relu', 'tanh', 'linear'] as const

const schema = z.strictObject({
  inputs: z.int().min(1),
  /** From the input on; the last one has one unit, the log-odds. */
  layers: z.array(z.strictObject({ units: z.int().min(1), activation: z.enum(ACTIVATIONS) })).min(1),
  weights_file: z.literal(WEIGHTS_FILE),
})

/** One fully connected layer: `activation(input * kernel + bias)`. */
export interface DenseLayer {
  readonly units: number
  readonly activation: (typeof ACTIVATIONS)[number]
  /** `inputs * units` weights, row-major. */
  readonly kernel: Float32Array
  readonly bias: Float32Array
}

/** A trained network of dense layers. It scores without TensorFlow.js: the forward pass is a few loops. */
export class DenseNetwork implements Classifier {
  readonly #layers: readonly DenseLayer[]
  readonly #description: ModelDescription

  constructor(layers: readonly DenseLayer[], description: ModelDescription) {
    this.#layers = layers
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
    return networkLogOdds(this.#layers, matrix).map(sigmoid)
  }

  /** Layers as JSON; weights as little-endian single-precision numbers, kernel then bias, layer by layer. */
  async save(folder: string): Promise<void> {
    const topology = {
      inputs: this.features.length,
      layers: this.#layers.map(({ units, activation }) => ({ units, activation })),
      weights_file: WEIGHTS_FILE,
    }
    const weights = this.#layers.flatMap(({ kernel, bias }) => [toBytes(kernel), toBytes(bias)])
    await writeFile(join(folder, WEIGHTS_FILE), Buffer.concat(weights))
    await writeFile(join(folder, this.#description.model_files[0]), `${JSON.stringify(topology, null, 2)}\n`)
    await writeDescription(folder, this.#description)
  }

  describe(): ModelDescription {
    return this.#description
  }

  close(): void {}
}

/** Reads what {@link DenseNetwork} saved. */
export async function loadDenseNetwork(folder: string, description: ModelDescription): Promise<Classifier> {
  const { inputs, layers } = await parseModelFile(folder, description.model_files[0], schema)
  const bytes = await readModelFile(folder, WEIGHTS_FILE)
  if (inputs !== description.features.length) {
    throw corrupt(
      folder,
      description.model_files[0],
      `it has ${inputs} inputs for ${description.features.length} features`,
    )
  }
  const weights = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)))
  let at = 0
  const take = (count: number) => {
    at += count
    return weights.subarray(at - count, at)
  }
  let size = inputs
  const dense = layers.map(({ units, activation }) => {
    const layer = { units, activation, kernel: take(size * units), bias: take(units) }
    size = units
    return layer
  })
  if (at * 4 !== bytes.length || size !== 1) {
    throw corrupt(folder, WEIGHTS_FILE, `expected ${at * 4} bytes for the layers, found ${bytes.length}`)
  }
  return new DenseNetwork(dense, description)
}

/** Log-odds of each row. */
export function networkLogOdds(layers: readonly DenseLayer[], { rows, names, values }: FeatureMatrix): Float64Array {
  const out = new Float64Array(rows)
  const width = names.length
  const buffers = layers.map(({ units }) => new Float64Array(units))
  const first = new Float64Array(width)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) first[column] = values[row * width + column] ?? 0
    let input = first
    layers.forEach((layer, index) => {
      const output = buffers[index] ?? first
      forward(layer, input, output)
      input = output
    })
    out[row] = input[0] ?? 0
  }
  return out
}

function forward({ units, activation, kernel, bias }: DenseLayer, input: Float64Array, output: Float64Array): void {
  output.set(bias)
  for (let i = 0; i < input.length; i++) {
    const value = input[i] ?? 0
    // After relu, and in one-hot columns, many are zero.
    if (value === 0) continue
    const start = i * units
    for (let unit = 0; unit < units; unit++) {
      output[unit] = (output[unit] ?? 0) + value * (kernel[start + unit] ?? 0)
    }
  }
  if (activation === 'linear') return
  for (let unit = 0; unit < units; unit++) {
    const sum = output[unit] ?? 0
    output[unit] = activation === 'tanh' ? Math.tanh(sum) : Math.max(sum, 0)
  }
}

function toBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
