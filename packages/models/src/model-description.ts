import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EsteiraError } from '@esteira/core'
import { z } from 'zod'
import { MODEL_TYPES } from './model-type.js'

/** File of a model folder that says what the model is and which library reads it. */
const MODEL_DESCRIPTION_FILE = 'esteira_model.json'

const fileName = z.string().regex(/^\w[\w.-]*$/)

const schema = z.strictObject({
  format: z.literal('esteira.model'),
  version: z.literal(1),
  model_type: z.enum(MODEL_TYPES),
  /** Files of the model inside the folder, the one to open first. */
  model_files: z.tuple([fileName], fileName),
  library: z.strictObject({ name: z.string(), version: z.string().regex(/^\d+\.\d+\.\d+$/) }),
  features: z.array(z.string()).min(1),
  rounds: z.int().min(0),
  hyperparameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null(), z.array(z.number())])),
  /** A row is positive when its probability is at least this. */
  threshold: z.number().min(0).max(1),
})

/** What a model is. */
export type ModelDescription = Readonly<z.output<typeof schema>>

/** In the file also the SHA-256 of each model file: libraries end the process on a damaged one, or read it wrongly. */
const savedSchema = schema.extend({ sha256: z.record(fileName, z.string()) })

/** Threshold of a classifier nobody chose one for. */
export const DEFAULT_THRESHOLD = 0.5

/** Writes `esteira_model.json`, last of all the model's files; the same model gives the same bytes. */
export async function writeDescription(folder: string, description: ModelDescription): Promise<void> {
  const sha256: Record<string, string> = {}
  for (const file of description.model_files) sha256[file] = digest(await readModelFile(folder, file))
  const content = savedSchema.parse({ ...description, sha256 })
  await writeFile(join(folder, MODEL_DESCRIPTION_FILE), `${JSON.stringify(content, null, 2)}\n`)
}

/**
 * Reads `esteira_model.json` of a model folder and checks that the model's files are the ones it was written for.
 *
 * @throws EsteiraError `ESTEIRA_MODEL_MISSING` when a file is not there, `ESTEIRA_MODEL_CORRUPT` when one is damaged.
 */
export async function readDescription(folder: string): Promise<ModelDescription> {
  const { sha256, ...description } = await parseModelFile(folder, MODEL_DESCRIPTION_FILE, savedSchema)
  for (const file of description.model_files) {
    const found = digest(await readModelFile(folder, file))
    if (found !== sha256[file]) {
      throw corrupt(folder, file, `its SHA-256 is ${found}, ${MODEL_DESCRIPTION_FILE} says ${sha256[file]}`)
    }
  }
  return description
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * Reads and checks one JSON file of a model folder.
 *
 * @throws EsteiraError `ESTEIRA_MODEL_MISSING` when there is none, `ESTEIRA_MODEL_CORRUPT` naming the first wrong field.
 */
export async function parseModelFile<T extends z.ZodType>(folder: string, file: string, type: T): Promise<z.output<T>> {
  const parsed = type.safeParse(parseJson(folder, file, await readModelFile(folder, file, 'utf8')))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw corrupt(folder, file, `field ${issue?.path.join('.') || '(root)'}: ${issue?.message}`)
}

/**
 * Reads one file of a model folder, as text or bytes.
 *
 * @throws EsteiraError `ESTEIRA_MODEL_MISSING` when there is none.
 */
export async function readModelFile(folder: string, file: string, encoding: 'utf8'): Promise<string>
export async function readModelFile(folder: string, file: string): Promise<Buffer>
export async function readModelFile(folder: string, file: string, encoding?: 'utf8'): Promise<string | Buffer> {
  return readFile(join(folder, file), encoding).catch((cause: unknown) => {
    throw new EsteiraError('ESTEIRA_MODEL_MISSING', `the model folder ${folder} holds no readable ${file}`, {
      hint: 'Name the folder of a model version that Esteira saved.',
      details: { folder, file },
      cause,
    })
  })
}

/** The error of a model file that cannot be read for the given reason. */
export function corrupt(folder: string, file: string, reason: string, cause?: unknown): EsteiraError {
  return new EsteiraError('ESTEIRA_MODEL_CORRUPT', `${join(folder, file)} cannot be read: ${reason}`, {
    hint: 'Fetch the model version again, or train and register a new one.',
    details: { folder, file },
    ...(cause === undefined ? {} : { cause }),
  })
}

function parseJson(folder: string, file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw corrupt(folder, file, 'it is not JSON', cause)
  }
}
