import { setImmediate } from 'node:timers/promises'
import type { Sequential } from '@tensorflow/tfjs-layers'
import type { LabelledMatrix, RoundMetrics, TrainingOutcome, TrainingProgress } from '../classifier.js'
import type { Hyperparameters } from '../hyperparameters.js'
import { interruptIfAborted } from '../interrupt.js'
import { meanLogLoss } from '../log-loss.js'
import { DEFAULT_THRESHOLD, type ModelDescription } from '../model-description.js'
import { seededRandom, shuffle } from '../seeded-random.js'
import { type DenseLayer, DenseNetwork, networkLogOdds, WEIGHTS_FILE } from './dense-network.js'
import { openTensorflow, type Tensorflow } from './tensorflow.js'

export interface NeuralTraining extends TrainingProgress {
  readonly training: LabelledMatrix
  readonly validation?: LabelledMatrix
  readonly seed: number
}

/** Batches between two turns of the event loop. */
const BATCHES_A_TURN = 16

/** A dense network trained by Adam on the logistic loss, in TensorFlow.js; early stopping where there are validation rows. */
export async function trainNeural(
  options: NeuralTraining,
  hyperparameters: Hyperparameters<'neural_network'>,
): Promise<TrainingOutcome> {
  const tensorflow = await openTensorflow()
  const model = buildNetwork(tensorflow, options, hyperparameters)
  try {
    const { layers, ...result } = await fit(tensorflow, model, options, hyperparameters)
    const description = describe(tensorflow, options, hyperparameters, result.rounds)
    return { classifier: new DenseNetwork(layers, description), ...result, featureImportance: {} }
  } finally {
    model.dispose()
    model.optimizer.dispose()
  }
}

function buildNetwork(
  { core, layers }: Tensorflow,
  { training, seed }: NeuralTraining,
  { hidden_units, activation, l2, learning_rate }: Hyperparameters<'neural_network'>,
): Sequential {
  const model = layers.sequential()
  const sizes = [...hidden_units, 1]
  sizes.forEach((units, index) => {
    model.add(
      layers.layers.dense({
        units,
        activation: index === hidden_units.length ? 'linear' : activation,
        kernelInitializer: layers.initializers.glorotUniform({ seed: seed + index }),
        ...(index === 0 ? { inputShape: [training.matrix.names.length] } : {}),
        ...(l2 > 0 ? { kernelRegularizer: layers.regularizers.l2({ l2 }) } : {}),
      }),
    )
  })
  model.compile({
    optimizer: core.train.adam(learning_rate),
    loss: (labels, logOdds) => core.losses.sigmoidCrossEntropy(labels, logOdds),
  })
  return model
}

interface Fitted {
  readonly layers: readonly DenseLayer[]
  readonly history: Readonly<Record<string, readonly number[]>>
  readonly bestIteration?: number
  readonly rounds: number
}

async function fit(
  tensorflow: Tensorflow,
  model: Sequential,
  options: NeuralTraining,
  { epochs, batch_size, patience, activation }: Hyperparameters<'neural_network'>,
): Promise<Fitted> {
  const { training, validation, seed, onProgress } = options
  const random = seededRandom(seed)
  const order = Int32Array.from({ length: training.matrix.rows }, (_, row) => row)
  const history: Record<string, number[]> = {}
  let layers: readonly DenseLayer[] = []
  let best = { epoch: 0, loss: Number.POSITIVE_INFINITY, layers }
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    await trainEpoch(tensorflow, model, options, order, batch_size, `epoch ${epoch + 1} of ${epochs}`)
    layers = layersOf(model, activation)
    const metrics = measure(layers, training, validation)
    for (const [name, value] of Object.entries(metrics)) {
      history[name] ??= []
      history[name].push(value)
    }
    onProgress?.(epoch + 1, epochs, metrics)
    const loss = metrics['val_log_loss']
    if (loss === undefined || patience === null) continue
    if (loss < best.loss) best = { epoch, loss, layers }
    if (epoch - best.epoch >= patience) break
  }
  if (validation === undefined || patience === null) return { layers, history, rounds: epochs }
  return { layers: best.layers, history, bestIteration: best.epoch, rounds: best.epoch + 1 }
}

async function trainEpoch(
  { core }: Tensorflow,
  model: Sequential,
  { training, signal }: NeuralTraining,
  order: Int32Array,
  batchSize: number,
  epoch: string,
): Promise<void> {
  for (let start = 0, batch = 0; start < order.length; start += batchSize, batch++) {
    if (batch % BATCHES_A_TURN === 0) {
      await setImmediate()
      interruptIfAborted(signal, `training, in ${epoch}`)
    }
    const rows = gather(training, order.subarray(start, start + batchSize))
    const x = core.tensor2d(rows.values, [rows.labels.length, training.matrix.names.length])
    const y = core.tensor2d(rows.labels, [rows.labels.length, 1])
    await model.trainOnBatch(x, y)
    core.dispose([x, y])
  }
}

function gather({ matrix, labels }: LabelledMatrix, rows: Int32Array): { values: Float32Array; labels: Float32Array } {
  const width = matrix.names.length
  const values = new Float32Array(rows.length * width)
  const chosen = new Float32Array(rows.length)
  rows.forEach((row, index) => {
    values.set(matrix.values.subarray(row * width, (row + 1) * width), index * width)
    chosen[index] = labels[row] ?? 0
  })
  return { values, labels: chosen }
}

/** The weights as they are now, copied out of TensorFlow.js. */
function layersOf(model: Sequential, activation: 'relu' | 'tanh'): readonly DenseLayer[] {
  return model.layers.map((layer, index) => {
    const [kernel, bias] = layer.getWeights().map((tensor) => Float32Array.from(tensor.dataSync()))
    return {
      units: bias?.length ?? 0,
      activation: index === model.layers.length - 1 ? 'linear' : activation,
      kernel: kernel ?? new Float32Array(0),
      bias: bias ?? new Float32Array(0),
    }
  })
}

function measure(
  layers: readonly DenseLayer[],
  training: LabelledMatrix,
  validation: LabelledMatrix | undefined,
): RoundMetrics {
  const loss = ({ matrix, labels }: LabelledMatrix) => meanLogLoss(networkLogOdds(layers, matrix), labels)
  const train = { train_log_loss: loss(training) }
  return validation === undefined ? train : { ...train, val_log_loss: loss(validation) }
}

function describe(
  { core, backend }: Tensorflow,
  { training }: NeuralTraining,
  hyperparameters: Hyperparameters<'neural_network'>,
  rounds: number,
): ModelDescription {
  return {
    format: 'esteira.model',
    version: 1,
    model_type: 'neural_network',
    model_files: ['model.json', WEIGHTS_FILE],
    library: { name: `tfjs-${backend}`, version: core.version_core },
    features: [...training.matrix.names],
    rounds,
    hyperparameters: { ...hyperparameters, hidden_units: [...hyperparameters.hidden_units] },
    threshold: DEFAULT_THRESHOLD,
  }
}
