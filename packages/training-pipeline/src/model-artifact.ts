import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Column, type Frame, isNull, takeRows, valueAt } from '@esteira/core'
import { type SignatureColumn, writeMlmodel } from '@esteira/mlflow'
import { type ModelType, pythonFlavors, pythonRequirements } from '@esteira/models'
import { buildReferenceProfile, serializeReferenceProfile } from '@esteira/statistics'
import type { Evaluation } from './evaluate-model.js'
import { pick } from './train-model.js'
import type { TrainingSet } from './training-set.js'

export interface ModelArtifact {
  readonly modelType: ModelType
  /** Folder that `saveModelFolder` filled. */
  readonly trainedFolder: string
  /** Columns the model reads; the others of the set were of no use to it. */
  readonly inputs: readonly string[]
  readonly set: TrainingSet
  readonly evaluation: Evaluation
  /** Text of `model_card.md`. */
  readonly card: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly createdAt: Date
}

const PYTHON_VERSION = '3.11.7'
const EXAMPLE_ROWS = 5

/**
 * Fills a folder with everything a model version is: the trained files, `MLmodel` with signature and example for MLflow,
 * `reference_profile.json` of the test rows for monitoring, `model_card.md` for people.
 */
export async function writeModelArtifact(
  folder: string,
  artifact: ModelArtifact,
  identity: { readonly modelId: string; readonly runId: string },
): Promise<void> {
  const { set, evaluation, modelType } = artifact
  await mkdir(folder, { recursive: true })
  await cp(artifact.trainedFolder, folder, { recursive: true })
  const rows = takeRows(set.features, set.parts.test)
  const profile = buildReferenceProfile(rows, {
    labels: pick(set.labels, set.parts.test),
    probability: evaluation.probability,
    threshold: evaluation.test.threshold,
  })
  await writeFile(join(folder, 'reference_profile.json'), serializeReferenceProfile(profile))
  await writeFile(join(folder, 'model_card.md'), artifact.card)
  const read = new Set(artifact.inputs)
  const inputs: SignatureColumn[] = [...set.features.columns].map(([name, column]) =>
    read.has(name) ? { name, type: signatureType(column), required: true } : { name, type: 'any', required: false },
  )
  const outputs: SignatureColumn[] = [
    { name: 'prediction', type: 'long' },
    { name: 'probability', type: 'double' },
  ]
  await writeMlmodel(folder, {
    flavors: pythonFlavors(modelType, { pythonVersion: PYTHON_VERSION }),
    environment: { requirements: ['mlflow', ...pythonRequirements(modelType)] },
    signature: { inputs, outputs },
    inputExample: exampleOf(rows),
    metadata: artifact.metadata,
    createdAt: artifact.createdAt,
    modelId: identity.modelId,
    runId: identity.runId,
  })
}

/**
 * Whole numbers are `any`: pandas holds them as int64, and as float64 once one is missing, and MLflow takes only one of the two
 * for `long` and only the other for `double`. The model's own loader refuses what is no number.
 */
function signatureType(column: Column): string {
  if (column.type === 'string' || column.type === 'boolean') return column.type
  return column.type === 'double' && !isWhole(column) ? 'double' : 'any'
}

/** Text read as numbers is double here, and int64 in pandas when no value has a fraction. */
function isWhole(column: Extract<Column, { type: 'double' }>): boolean {
  return column.values.every((value, row) => isNull(column, row) || Number.isInteger(value))
}

function exampleOf(rows: Frame) {
  const count = Math.min(EXAMPLE_ROWS, rows.rowCount)
  return {
    columns: [...rows.columns.keys()],
    rows: Array.from({ length: count }, (_, row) => [...rows.columns.values()].map((column) => valueAt(column, row))),
  }
}
