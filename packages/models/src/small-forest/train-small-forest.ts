import { setImmediate } from 'node:timers/promises'
import { EsteiraError } from '@esteira/core'
import { z } from 'zod'
import type { LabelledMatrix, TrainingOutcome, TrainingProgress } from '../classifier.js'
import type { Hyperparameters } from '../hyperparameters.js'
import { interruptIfAborted } from '../interrupt.js'
import { DEFAULT_THRESHOLD } from '../model-description.js'
import { type Forest, type ForestNode, SmallForest } from './small-forest.js'

/** Rows beyond which the package's quadratic split search takes minutes. */
const MOST_ROWS = 1000

/** Version of the package `ml-random-forest` that is installed with us. */
const PACKAGE_VERSION = '2.1.0'

export interface SmallForestTraining extends TrainingProgress {
  readonly training: LabelledMatrix
  readonly seed: number
}

/**
 * The forest of the package `ml-random-forest`, for small data.
 *
 * @throws EsteiraError `ESTEIRA_UNSUPPORTED` above 5,000 rows.
 */
export async function trainSmallForest(
  { training, seed, signal, onProgress }: SmallForestTraining,
  hyperparameters: Hyperparameters<'ml_random_forest'>,
): Promise<TrainingOutcome> {
  const { matrix, labels } = training
  if (matrix.rows > MOST_ROWS) {
    throw new EsteiraError(
      'ESTEIRA_UNSUPPORTED',
      `ml_random_forest takes at most ${MOST_ROWS} rows, found ${matrix.rows}: its training time grows with their square`,
      {
        hint: 'Take model type random_forest, which has no such limit.',
        details: { rows: matrix.rows, most: MOST_ROWS },
      },
    )
  }
  await setImmediate()
  interruptIfAborted(signal, 'training')
  const { maxDepth, minNumSamples, ...options } = hyperparameters
  const { RandomForestClassifier } = await import('ml-random-forest')
  const forest = new RandomForestClassifier({
    ...options,
    seed: seed | 0,
    // Its out-of-bag score fails when some tree has seen every row.
    noOOB: true,
    treeOptions: { maxDepth, minNumSamples },
  })
  const width = matrix.names.length
  const rows = Array.from({ length: matrix.rows }, (_, row) =>
    Array.from(matrix.values.subarray(row * width, (row + 1) * width)),
  )
  forest.train(rows, Array.from(labels))
  const trees = flatten(forest.toJSON())
  onProgress?.(trees.length, trees.length, {})
  const classifier = new SmallForest(trees, {
    format: 'esteira.model',
    version: 1,
    model_type: 'ml_random_forest',
    model_files: ['model.json'],
    library: { name: 'ml-random-forest', version: PACKAGE_VERSION },
    features: [...matrix.names],
    rounds: trees.length,
    hyperparameters: { ...hyperparameters },
    threshold: DEFAULT_THRESHOLD,
  })
  return { classifier, history: {}, rounds: trees.length, featureImportance: {} }
}

/** A tree as the package writes it; a leaf is a node without both children. */
interface PackageNode {
  readonly splitColumn?: number | undefined
  readonly splitValue?: number | undefined
  readonly left?: PackageNode | undefined
  readonly right?: PackageNode | undefined
  readonly distribution?: readonly (readonly number[])[] | undefined
}

const packageNode: z.ZodType<PackageNode> = z.lazy(() =>
  z.object({
    splitColumn: z.number().optional(),
    splitValue: z.number().optional(),
    left: packageNode.optional(),
    right: packageNode.optional(),
    distribution: z.array(z.array(z.number())).optional(),
  }),
)

const packageForest = z.object({
  baseModel: z.object({
    /** Columns each tree was given, by the position the tree knows them by. */
    indexes: z.array(z.array(z.number())),
    estimators: z.array(z.object({ root: packageNode })),
  }),
})

function flatten(model: unknown): Forest {
  // The package hands out its live matrices; its own JSON is the documented shape.
  const { indexes, estimators } = packageForest.parse(JSON.parse(JSON.stringify(model))).baseModel
  return estimators.map(({ root }, tree) => flattenTree(root, indexes[tree] ?? []))
}

function flattenTree(root: PackageNode, columns: readonly number[]): readonly ForestNode[] {
  const nodes: ForestNode[] = []
  const add = (node: PackageNode): number => {
    const at = nodes.length
    nodes.push(leaf(node))
    const { left, right, splitColumn, splitValue } = node
    if (left !== undefined && right !== undefined && splitColumn !== undefined && splitValue !== undefined) {
      const feature = columns[splitColumn] ?? splitColumn
      nodes[at] = { feature, threshold: splitValue, left: add(left), right: add(right), probability: 0 }
    }
    return at
  }
  add(root)
  return nodes
}

function leaf({ distribution }: PackageNode): ForestNode {
  const probability = Math.min(1, Math.max(0, distribution?.[0]?.[1] ?? 0))
  return { feature: null, threshold: 0, left: 0, right: 0, probability }
}
