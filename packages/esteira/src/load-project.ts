import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EsteiraError, type Project, type ProjectDefinition, readConfig } from '@esteira/core'

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

/** The bundled project, built when the sources have no build yet. */
async function build(folder: string): Promise<string> {
  const library = import.meta.resolve('esteira')
  const out = join(folder, BUILD_FOLDER, `${await hashSources(folder, library)}.mjs`)
  if (existsSync(out)) return out
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
    plugins: [
      {
        name: 'esteira',
        // The project runs with this very library, wherever its folder lies.
        setup: ({ onResolve }) => onResolve({ filter: /^esteira$/ }, () => ({ path: library, external: true })),
      },
    ],
  }).catch((cause: unknown) => {
    throw syntaxError(folder, cause)
  })
  await mkdir(join(folder, BUILD_FOLDER), { recursive: true })
  const temporary = `${out}.${process.pid}.tmp`
  await writeFile(temporary, result.outputFiles[0]?.text ?? '')
  await rename(temporary, out)
  await removeOld(join(folder, BUILD_FOLDER), basename(out))
  return out
}

async function hashSources(folder: string, library: string): Promise<string> {
  const hash = createHash('sha256').update(library)
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && /\.(ts|mts|js|mjs|json)$/.test(entry.name))
    .map(({ name }) => name)
  for (const file of files.sort()) hash.update(`\n${file}\n`).update(await readFile(join(folder, file)))
  return hash.digest('hex').slice(0, 16)
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
