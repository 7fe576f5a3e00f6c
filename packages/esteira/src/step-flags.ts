import { parseArgs } from 'node:util'
import { EsteiraError, nearest } from '@esteira/core'

/** Flags of every step; each has an `ESTEIRA_<FLAG>` variable that it overrides. */
export const STEP_FLAGS: Readonly<Record<string, string>> = {
  project: 'folder of the project (ESTEIRA_PROJECT)',
  'run-id': 'run that the step belongs to; default <project>-<workflow>-<date> (ESTEIRA_RUN_ID)',
  'run-date': 'YYYY-MM-DD or a UTC timestamp; default today (ESTEIRA_RUN_DATE)',
  workflow: 'workflow that the run belongs to; default manual (ESTEIRA_WORKFLOW)',
  source: "raw file in place of the project's own (ESTEIRA_SOURCE)",
  'feature-dates': 'run-date, training, FROM..TO or days (ESTEIRA_FEATURE_DATES)',
  model: 'version to score with: NAME@ALIAS or NAME/VERSION (ESTEIRA_MODEL)',
  'experiment-name': 'MLflow experiment; default the project (ESTEIRA_EXPERIMENT_NAME)',
  'keep-staged-days':
    'days that staged features are kept after they were last touched; default 7 (ESTEIRA_KEEP_STAGED_DAYS)',
  'fail-on': 'gate or drift: end with 65 when it is found (ESTEIRA_FAIL_ON)',
}

/** Flags of which only some values mean anything: another one would silently do nothing. */
const VALUES: Readonly<Record<string, readonly string[]>> = { 'fail-on': ['gate', 'drift'] }

export type StepFlags = Readonly<Record<string, string | undefined>>

/**
 * The flags of a step from its command line, else from the environment.
 *
 * @throws EsteiraError ESTEIRA_USAGE for a flag that there is not, or a value that one does not take
 */
export function readStepFlags(args: readonly string[], env: StepFlags): StepFlags {
  const given = parse(args)
  return Object.fromEntries(
    Object.keys(STEP_FLAGS).map((name) => {
      const variable = `ESTEIRA_${name.toUpperCase().replaceAll('-', '_')}`
      const flag = given[name]
      const value = typeof flag === 'string' ? flag : env[variable] === '' ? undefined : env[variable]
      if (value !== undefined) checkValue(name, typeof flag === 'string' ? `--${name}` : variable, value)
      return [name, value]
    }),
  )
}

function checkValue(name: string, where: string, value: string): void {
  const values = VALUES[name]
  if (values === undefined || values.includes(value)) return
  const near = nearest(value, values)
  throw new EsteiraError('ESTEIRA_USAGE', `${where}: expected ${values.join(' or ')}, found ${JSON.stringify(value)}`, {
    hint: near === undefined ? 'See --help.' : `Did you mean ${near}? See --help.`,
    details: { flag: name, value },
  })
}

function parse(args: readonly string[]): Readonly<Record<string, unknown>> {
  const options = Object.fromEntries(Object.keys(STEP_FLAGS).map((name) => [name, { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options, strict: true }).values
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const word = /'(--?[\w-]+)/.exec(message)?.[1] ?? ''
    const near = nearest(word.replace(/^-+/, ''), Object.keys(STEP_FLAGS))
    throw new EsteiraError('ESTEIRA_USAGE', message.split('. ')[0] ?? message, {
      hint: near === undefined ? 'See --help.' : `Did you mean --${near}? See --help.`,
      cause,
    })
  }
}
