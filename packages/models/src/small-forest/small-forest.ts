import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Classifier } from '../classifier.js'
import { checkFeatureNames, type FeatureMatrix } from '../feature-matrix.js'
import { corrupt, type ModelDescription, parseModelFile, writeDescription } from '../model-description.js'
import type { ModelType } from '../model-type.js'

const node = z.strictObject({
  /** Column that decides; null in a leaf. */
  feature: z.int().min(0).nullable(),
  /** Smaller values go left. */
  threshold: z.number(),
  /** Positions of the two next nodes, always behind this one. */
  left: z.int().min(0),
  right: z.int().min(0),
  /** Share of positive rows, in a leaf. */
  probability: z.number().min(0).max(1),
})

const schema = z.strictObject({ trees: z.array(z.array(node).min(1)).min(1) })

export type ForestNode = Readonly<z.output<typeof node>>
export type Forest = readonly (readonly ForestNode[])[]

/** A forest whose probability is the mean of its trees' leaves. */
export class SmallForest implements Classifier {
  readonly #trees: Forest
  readonly #description: ModelDescription

  constructor(trees: Forest, description: ModelDescription) {
    this.#trees = trees
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
    const out = new Float64Array(matrix.rows)
    for (let row = 0; row < matrix.rows; row++) {
      let sum = 0
      for (const tree of this.#trees) sum += leafOf(tree, matrix, row).probability
      out[row] = sum / this.#trees.length
    }
    return out
  }

  async save(folder: string): Promise<void> {
    await writeFile(join(folder, this.#description.model_files[0]), `${JSON.stringify({ trees: this.#trees })}\n`)
    await writeDescription(folder, this.#description)
  }

  describe(): ModelDescription {
    return this.#description
  }

  close(): void {}
}

function leafOf(tree: readonly ForestNode[], { values, names }: FeatureMatrix, row: number): ForestNode {
  const start = row * names.length
  for (let at = 0; ; ) {
    const current = tree[at]
    if (current === undefined) throw new RangeError(`a tree has no node ${at}`)
    if (current.feature === null) return current
    at = (values[start + current.feature] ?? 0) < current.threshold ? current.left : current.right
  }
}

/** Reads what {@link SmallForest} saved. */
export async function loadSmallForest(folder: string, description: ModelDescription): Promise<Classifier> {
  const { trees } = await parseModelFile(folder, description.model_files[0], schema)
  const sound = trees.every((tree) =>
    tree.every(({ feature, left, right }, at) => {
      if (feature === null) return true
      // Forward links only: a walk down the tree always ends.
      return feature < description.features.length && [left, right].every((next) => next > at && next < tree.length)
    }),
  )
  if (!sound) throw corrupt(folder, description.model_files[0], 'a node names a feature or a node that is not there')
  return new SmallForest(trees, description)
}
