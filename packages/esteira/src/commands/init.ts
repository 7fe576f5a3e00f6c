import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EsteiraError, type Logger } from '@esteira/core'
import { generateCommand } from './generate.js'

const FILES = ['config.yaml', 'project.ts', 'generator.ts'] as const
const SAMPLE_ROWS = 20_000

/**
 * `esteira init`: a project folder that runs at once, with a day's fresh sample data. Below `projects/` when there is such a
 * folder.
 *
 * @throws EsteiraError ESTEIRA_USAGE when the name cannot be one or the folder is there already
 */
export async function initCommand(options: {
  readonly name: string
  readonly logger: Logger
  readonly signal: AbortSignal
}): Promise<string> {
  const { name } = options
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(name)) {
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `project name: expected 2 to 31 lower-case letters, digits and hyphens, found ${JSON.stringify(name)}`,
    )
  }
  const folder = existsSync('projects') ? join('projects', name) : name
  if (existsSync(folder))
    throw new EsteiraError('ESTEIRA_USAGE', `${folder} exists already; nothing was changed`, {
      hint: 'Take another name.',
    })
  const templates = fileURLToPath(new URL('../../templates/project/', import.meta.url))
  const view = `${name.replaceAll('-', '_')}_customer_features`
  const temporary = `${folder}.${process.pid}.tmp`
  try {
    await mkdir(temporary, { recursive: true })
    for (const file of FILES) {
      const text = await readFile(join(templates, file), 'utf8')
      await writeFile(join(temporary, file), text.replaceAll('__NAME__', name).replaceAll('__VIEW__', view))
    }
    await writeFile(join(temporary, '.gitignore'), 'data/\n.esteira-build/\n')
    await generateCommand({ project: temporary, rows: SAMPLE_ROWS, out: join(temporary, 'data'), ...options })
    await rename(temporary, folder)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
  return folder
}
