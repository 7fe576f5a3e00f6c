import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { EsteiraError } from '../errors.js'
import { checkConfig } from './check-config.js'
import { type Fault, faultError } from './fault.js'
import { fillDefaults } from './fill-defaults.js'
import type { ProjectConfig } from './project-config.js'
import { configSchema } from './schema.js'
import { parseYaml } from './yaml-file.js'

/**
 * Reads the text of a `config.yaml`; `file` is its name in messages.
 *
 * @returns the configuration with every default filled: 1 vCPU and 2 GiB a step, 2 retries, one day of time for a
 * run and for a step, time zone UTC, `m6i.xlarge` from 0 to 1, Node 22.
 * @throws EsteiraError ESTEIRA_CONFIG with all faults of the file at once: file, line, path, value, expectation and,
 * for an unknown key, the nearest valid one. `details.faults` holds the same as data.
 *
 * @example
 * const config = parseConfig(await readFile('projects/churn/config.yaml', 'utf8'), 'projects/churn/config.yaml')
 * config.workflows.get('training')?.steps.map((step) => step.id)
 */
export function parseConfig(text: string, file: string): ProjectConfig {
  const yaml = parseYaml(text)
  if (!yaml.isReadable || yaml.data === undefined) throw faultError(file, yaml.faults)
  const parsed = configSchema.safeParse(yaml.data)
  const faults = [...(parsed.success ? [] : parsed.error.issues.flatMap(toFaults)), ...checkConfig(yaml.data)]
  const placed = [...yaml.faults, ...faults.map((fault) => yaml.place(fault))]
  if (placed.length > 0 || !parsed.success) throw faultError(file, placed)
  return fillDefaults(parsed.data)
}

/**
 * Reads `config.yaml` of a project's folder.
 * @throws EsteiraError ESTEIRA_CONFIG when it is missing, unreadable or wrong; see {@link parseConfig}.
 */
export async function readConfig(folder: string): Promise<ProjectConfig> {
  const file = join(folder, 'config.yaml')
  return parseConfig(await readText(folder, file), file)
}

async function readText(folder: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const message =
      reason === 'ENOENT'
        ? `${file} does not exist: expected the configuration of a project`
        : `cannot read ${file}: ${reason}`
    throw new EsteiraError('ESTEIRA_CONFIG', message, {
      cause,
      details: { file },
      hint: `Give the folder of a project (here ${folder}), or make one: npx esteira init <name>`,
    })
  }
}

function toFaults(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  // The message of an unknown key is the list of those there are: see `section` in schema.ts.
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], expected: '', validKeys: issue.message.split(',') }))
  }
  if (issue.code === 'invalid_key') return [{ path, expected: issue.issues[0]?.message ?? issue.message, about: 'key' }]
  return [{ path, expected: issue.message }]
}
