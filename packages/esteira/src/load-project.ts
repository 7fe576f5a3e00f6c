import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EsteiraError, type Project, type ProjectDefinition, readConfig } from '@esteira/core'
import { z } from 'zod'
import { FRONT, projectImports } from './project-imports.js'

/** Changes when bundles are made in another way: older ones are built again. */
const LAYOUT = 'names by package'
const BUILD_FOLDER = '.esteira-build'
const SOURCE = 'project.ts'

/**
 * Loads a project folder: `config.yaml` and the default export of `project.ts`. Node 20 runs no TypeScript, so the file is
 * bundled once by esbuild into `.esteira-build/<hash of the sources>.mjs`; an image holds it prebuilt.
 *
 * @throws EsteiraError ESTEIRA_CONFIG, ESTEIRA_PROJECT, ESTEIRA_MODEL_TYPE, ESTEIRA_HYPERPARAMETER
 */
export async function loadProject(folder: string): Promise<Project> {
  const at = resolve(folder)
  if (!existsSync(join(at, SOURCE))) {
    throw new EsteiraError('ESTEIRA_PROJECT', `${folder} is no project: it has no ${SOURCE}`, {
      hint: `Name a project folder with --project or ESTEIRA_PROJECT, or make one: npx esteira init ${basename(at) || 'my-project'}`,
    })
  }
  const [config, definition] = await Promise.all([readConfig(folder), loadDefinition(at)])
  await checkModel(folder, definition)
  return { name: config.projectName, folder, config, definition }
}

async function loadDefinition(folder: string): Promise<ProjectDefinition> {
  const built = await build(folder)
  try {
    const loaded: unknown = await import(pathToFileURL(built).href)
    return checkDefinition(folder, loaded)
  } catch (error) {
    if (error instanceof EsteiraError) throw error
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `${join(folder, SOURCE)} failed while it was loaded: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'Check its types with an editor, or: npm run check',
        cause: error,
      },
    )
  }
}

function checkDefinition(folder: string, loaded: unknown): ProjectDefinition {
  const definition = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
  if (
    typeof definition === 'object' &&
    definition !== null &&
    'view' in definition &&
    'label' in definition &&
    'model' in definition
  ) {
    return definition as ProjectDefinition
  }
  throw new EsteiraError('ESTEIRA_PROJECT', `${join(folder, SOURCE)} has no default export made by defineProject`, {
    hint: 'End the file with: export default defineProject({ views: [...], label: ..., model: ... })',
  })
}

/** Told before the first row is read, not when the training starts. */
async function checkModel(folder: string, { model }: ProjectDefinition): Promise<void> {
  const { parseHyperparameters, parseModelType } = await import('@esteira/models')
  try {
    parseHyperparameters(parseModelType(model.type), model.hyperparameters)
  } catch (cause) {
    if (!(cause instanceof EsteiraError)) throw cause
    const { code, message, hint, details } = cause
    throw new EsteiraError(code, `${join(folder, SOURCE)}: ${message}`, {
      ...(hint !== undefined && { hint }),
      details,
      cause,
    })
  }
}

/** Beside the bundle: the files it was made of, relative to the project. */
const INPUTS = 'inputs.json'

/** The bundled project, built when one of the files it was made of has changed. */
async function build(folder: string): Promise<string> {
  const library = import.meta.resolve('esteira')
  const builds = join(folder, BUILD_FOLDER)
  const known = await knownInputs(builds)
  const built = known === undefined ? undefined : await bundlePath(folder, library, known)
  if (built !== undefined && existsSync(built)) return built
  const { build: bundle } = await import('esbuild').catch((cause: unknown) => {
    throw new EsteiraError('ESTEIRA_PROJECT', `${folder} is not built, and esbuild is not installed`, {
      hint: 'Build the image from the sources as they are now, or install the development dependencies.',
      cause,
    })
  })
  const result = await bundle({
    entryPoints: [join(folder, SOURCE)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'silent',
    metafile: true,
    absWorkingDir: folder,
    plugins: [projectImports(library)],
  }).catch((cause: unknown) => {
    throw syntaxError(folder, cause)
  })
  const inputs = Object.keys(result.metafile.inputs)
    .filter((input) => input !== FRONT)
    .sort()
  const out = await bundlePath(folder, library, inputs)
  if (out === undefined)
    throw new EsteiraError('ESTEIRA_PROJECT', `${folder} changed while it was built`, { hint: 'Run it again.' })
  await mkdir(builds, { recursive: true })
  await replaceFile(out, result.outputFiles[0]?.text ?? '')
  await replaceFile(join(builds, INPUTS), JSON.stringify(inputs))
  await removeOld(builds, basename(out))
  return out
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  await writeFile(temporary, text)
  await rename(temporary, path)
}

async function knownInputs(builds: string): Promise<readonly string[] | undefined> {
  const text = await readFile(join(builds, INPUTS), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const parsed = z.array(z.string()).safeParse(JSON.parse(text))
  return parsed.success ? parsed.data : undefined
}

/** Where the bundle of these files lies, by their content; undefined when one of them is gone. */
async function bundlePath(folder: string, library: string, inputs: readonly string[]): Promise<string | undefined> {
  const hash = createHash('sha256').update(`${LAYOUT}\n${library}`)
  for (const input of inputs) {
    const content = await readFile(join(folder, input)).catch(() => undefined)
    if (content === undefined) return undefined
    hash.update(`\n${input}\n`).update(content)
  }
  return join(folder, BUILD_FOLDER, `${hash.digest('hex').slice(0, 16)}.mjs`)
}

async function removeOld(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith('.mjs') && name !== keep) await rm(join(folder, name), { force: true })
  }
}

function syntaxError(folder: string, cause: unknown): EsteiraError {
  const first =
    typeof cause === 'object' && cause !== null && 'errors' in cause && Array.isArray(cause.errors)
      ? (cause.errors[0] as unknown)
      : undefined
  const text = typeof first === 'object' && first !== null && 'text' in first ? String(first.text) : String(cause)
  const line =
    typeof first === 'object' &&
    first !== null &&
    'location' in first &&
    typeof first.location === 'object' &&
    first.location !== null &&
    'line' in first.location
      ? `, line ${String(first.location.line)}`
      : ''
  return new EsteiraError('ESTEIRA_PROJECT', `${join(folder, SOURCE)}${line}: ${text}`, {
    hint: 'Correct the line; nothing was started. npm run check shows all faults of its types.',
    cause,
  })
}
