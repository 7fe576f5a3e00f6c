import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EsteiraError, nearest, type StepConfig, type WorkflowConfig } from '@esteira/core'

/** Where `node steps/<step>.js` works: here, or in the checkout that this command comes from. */
export function stepsFolder(): string {
  if (existsSync(join(process.cwd(), 'steps'))) return process.cwd()
  const checkout = resolve(fileURLToPath(import.meta.url), '../../../..')
  return existsSync(join(checkout, 'steps')) ? checkout : process.cwd()
}

/**
 * Refuses workflows whose steps name files that are not there, before anything is started: `node steps/<step>.js` is looked at, other
 * programs are not.
 *
 * @throws EsteiraError ESTEIRA_CONFIG with every step whose file is missing
 */
export async function checkStepFiles(
  project: string,
  workflows: readonly WorkflowConfig[],
  workingFolder: string,
): Promise<void> {
  const missing: string[] = []
  for (const { name, steps } of workflows) {
    for (const step of steps) {
      const file = scriptOf(step)
      if (file === undefined || (await isFile(resolve(workingFolder, file)))) continue
      const meant = await nearestFile(workingFolder, file)
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`
      missing.push(`  workflow ${name}, step ${step.id}: there is no file ${file}${hint}`)
    }
  }
  if (missing.length === 0) return
  const config = join(project, 'config.yaml')
  throw new EsteiraError(
    'ESTEIRA_CONFIG',
    [
      `${config}: ${missing.length === 1 ? 'a command names a file that is not there' : 'commands name files that are not there'}:`,
      ...missing,
    ].join('\n'),
    {
      hint: `Correct the command in ${config}; files are looked for from ${workingFolder}. Nothing was started.`,
      details: { config, missing: missing.length },
    },
  )
}

/** The script of `node <script> …`; undefined where Node is not the program, or flags of its own stand before it. */
function scriptOf({ command: [program, script] }: StepConfig): string | undefined {
  return program === 'node' && script !== undefined && !script.startsWith('-') ? script : undefined
}

async function isFile(path: string): Promise<boolean> {
  // As Node itself looks for a program: `steps/train` is `steps/train.js` too.
  const candidates = extname(path) === '' ? [path, `${path}.js`] : [path]
  const found = await Promise.all(
    candidates.map((candidate) =>
      stat(candidate).then(
        (entry) => entry.isFile(),
        () => false,
      ),
    ),
  )
  return found.includes(true)
}

async function nearestFile(workingFolder: string, file: string): Promise<string | undefined> {
  const folder = dirname(resolve(workingFolder, file))
  const names = await readdir(folder).catch(() => [])
  const scripts = names.filter((name) => extname(name) === '.js')
  const meant = nearest(basename(file), scripts)
  return meant === undefined ? undefined : relative(workingFolder, join(folder, meant)).replaceAll('\\', '/')
}
