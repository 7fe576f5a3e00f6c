import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EsteiraError } from '@esteira/core'
import { z } from 'zod'
import { fileError } from './artifact-folder.js'
import { type ModelEnvironment, writeEnvironmentFiles } from './mlmodel-environment.js'

/** A column of a signature: MLflow's type (`double`, `long`, `string`, `boolean`, `datetime`, …) and name. */
export interface SignatureColumn {
  readonly name?: string
  readonly type: string
  readonly required?: boolean
}

export interface ModelSignature {
  readonly inputs: readonly SignatureColumn[]
  readonly outputs: readonly SignatureColumn[]
}

/** What the file `MLmodel` says of a model folder. */
export interface Mlmodel {
  /** Ways to load the folder, each with its keys: `python_function`, `xgboost`, … */
  readonly flavors: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly signature?: ModelSignature
  readonly modelId?: string
  readonly runId?: string
  readonly createdAt?: Date
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** A few rows to try the model with. */
export interface InputExample {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | boolean | null)[])[]
}

export interface MlmodelSpec extends Mlmodel {
  readonly createdAt: Date
  /** What Python needs to load the folder. */
  readonly environment: ModelEnvironment
  readonly inputExample?: InputExample
}

const FILE = 'MLmodel'
/** Of MLflow's model format; readers of 2.x and 3.x take it. */
const FORMAT_VERSION = '3.0.0'

const columnSchema = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  required: z.boolean().optional(),
})
const mlmodelSchema = z.looseObject({
  flavors: z.record(z.string(), z.record(z.string(), z.unknown())),
  signature: z.looseObject({ inputs: z.string().nullish(), outputs: z.string().nullish() }).nullish(),
  model_id: z.string().nullish(),
  run_id: z.string().nullish(),
  utc_time_created: z.union([z.string(), z.date()]).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})

/** True when the folder is a model folder. */
export async function hasMlmodel(folder: string): Promise<boolean> {
  return access(join(folder, FILE)).then(
    () => true,
    () => false,
  )
}

/**
 * Writes `MLmodel` into a folder that already holds the model's files, with `requirements.txt`, `python_env.yaml`,
 * `conda.yaml` and the input example beside it.
 *
 * A `python_function` flavor without `env` is pointed to these environment files.
 * @throws ESTEIRA_DISK_FULL
 * @example
 * await writeMlmodel(folder, {
 *   flavors: { xgboost: { data: 'model.ubj', model_class: 'xgboost.core.Booster', model_format: 'ubj' } },
 *   createdAt: context.now(),
 *   environment: { requirements: ['mlflow', 'xgboost==3.2.0'] },
 * })
 */
export async function writeMlmodel(folder: string, spec: MlmodelSpec): Promise<void> {
  const { stringify } = await import('yaml')
  try {
    await writeEnvironmentFiles(folder, spec.environment)
    if (spec.inputExample !== undefined) await writeExample(folder, spec.inputExample)
    // Python reads YAML 1.1, where a bare 2026-01-02 is a date and a bare `no` is false: those get quotes.
    await writeFile(
      join(folder, FILE),
      stringify(toDocument(spec), { version: '1.1', sortMapEntries: true, lineWidth: 0 }),
    )
  } catch (error) {
    throw fileError(error, folder)
  }
}

function toDocument(spec: MlmodelSpec): Readonly<Record<string, unknown>> {
  const { python_function: python, ...others } = spec.flavors
  const env = { conda: 'conda.yaml', virtualenv: 'python_env.yaml' }
  return {
    flavors: python === undefined ? others : { ...others, python_function: { env, ...python } },
    mlflow_version: FORMAT_VERSION,
    utc_time_created: spec.createdAt.toISOString().replace('T', ' ').replace('Z', '000'),
    ...(spec.modelId === undefined ? {} : { model_id: spec.modelId, model_uuid: spec.modelId }),
    ...(spec.runId === undefined ? {} : { run_id: spec.runId }),
    ...(spec.metadata === undefined ? {} : { metadata: spec.metadata }),
    ...(spec.signature === undefined ? {} : { signature: toSignatureText(spec.signature) }),
    ...(spec.inputExample === undefined
      ? {}
      : {
          saved_input_example_info: {
            artifact_path: 'input_example.json',
            pandas_orient: 'split',
            serving_input_path: 'serving_input_example.json',
            type: 'dataframe',
          },
        }),
  }
}

/** MLflow keeps each half of a signature as JSON text. */
function toSignatureText(signature: ModelSignature): Readonly<Record<string, unknown>> {
  const text = (columns: readonly SignatureColumn[]) =>
    JSON.stringify(columns.map(({ type, name, required = true }) => ({ type, name, required })))
  return { inputs: text(signature.inputs), outputs: text(signature.outputs), params: null }
}

async function writeExample(folder: string, example: InputExample): Promise<void> {
  const split = { columns: example.columns, data: example.rows }
  await writeFile(join(folder, 'input_example.json'), JSON.stringify(split))
  await writeFile(join(folder, 'serving_input_example.json'), JSON.stringify({ dataframe_split: split }, null, 2))
}

/**
 * Reads `MLmodel`, written here or by Python.
 * @throws ESTEIRA_MODEL_MISSING when the folder has none; ESTEIRA_MODEL_CORRUPT when it cannot be understood.
 */
export async function readMlmodel(folder: string): Promise<Mlmodel> {
  const path = join(folder, FILE)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new EsteiraError('ESTEIRA_MODEL_MISSING', `${folder} is no model folder: it has no file MLmodel`, {
      hint: 'Give the folder of a logged model or of a model version.',
      details: { folder },
      cause,
    })
  })
  const { parse } = await import('yaml')
  try {
    return toMlmodel(mlmodelSchema.parse(parse(text, { version: '1.1' })))
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : cause instanceof Error ? cause.message : ''
    throw new EsteiraError('ESTEIRA_MODEL_CORRUPT', `${path} is not a valid MLmodel file: ${reason}`, {
      hint: 'Restore the model folder, or take another version: npx esteira models list',
      details: { path },
      cause,
    })
  }
}

function toMlmodel(document: z.infer<typeof mlmodelSchema>): Mlmodel {
  const { flavors, signature, model_id, run_id, utc_time_created, metadata } = document
  return {
    flavors,
    ...(signature == null ? {} : { signature: toSignature(signature) }),
    ...(model_id == null ? {} : { modelId: model_id }),
    ...(run_id == null ? {} : { runId: run_id }),
    ...(utc_time_created == null ? {} : { createdAt: toDate(utc_time_created) }),
    ...(metadata == null ? {} : { metadata }),
  }
}

function toSignature(signature: {
  readonly inputs?: string | null | undefined
  readonly outputs?: string | null | undefined
}): ModelSignature {
  const columns = (text: string | null | undefined): SignatureColumn[] =>
    z
      .array(columnSchema)
      .parse(JSON.parse(text ?? '[]'))
      .map(({ type, name, required }) => ({
        type,
        ...(name === undefined ? {} : { name }),
        ...(required === undefined ? {} : { required }),
      }))
  return { inputs: columns(signature.inputs), outputs: columns(signature.outputs) }
}

/** Python writes the time in UTC without a zone, with microseconds. */
function toDate(value: string | Date): Date {
  return value instanceof Date ? value : new Date(`${value.replace(' ', 'T').slice(0, 23)}Z`)
}
