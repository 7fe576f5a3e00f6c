import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { EsteiraError, nearest, runStep, type Step, type StepProcess } from '@esteira/core'
import { readEnvironment } from './environment.js'
import { executeStep } from './execute-step.js'
import { openDrivers } from './open-workspace.js'
import { checkRunId, formatRunDate, parseRunDate, today } from './run-date.js'

/** Flags of every step; each has an `ESTEIRA_<FLAG>` variable that it overrides. */
const FLAGS: Readonly<Record<string, string>> = {
  project: 'folder of the project (ESTEIRA_PROJECT)',
  'run-id': 'run that the step belongs to; default <project>-<workflow>-<date> (ESTEIRA_RUN_ID)',
  'run-date': 'YYYY-MM-DD or a UTC timestamp; default today (ESTEIRA_RUN_DATE)',
  workflow: 'workflow that the run belongs to; default manual (ESTEIRA_WORKFLOW)',
  source: "raw file in place of the project's own (ESTEIRA_SOURCE)",
  'feature-dates': 'run-date, training, FROM..TO or days (ESTEIRA_FEATURE_DATES)',
  model: 'version to score with: NAME@ALIAS or NAME/VERSION (ESTEIRA_MODEL)',
  'experiment-name': 'MLflow experiment; default the project (ESTEIRA_EXPERIMENT_NAME)',
  'fail-on': 'gate or drift: end with 65 when it is found (ESTEIRA_FAIL_ON)',
}

/**
 * The whole of a container step: flags and environment in, step result JSON and exit code out. `steps/<step>.js` calls it.
 *
 * @example
 * import { extractFeaturesStep } from '@esteira/feature-pipeline'
 * import { runStepCommand } from 'esteira/step'
 *
 * await runStepCommand(extractFeaturesStep)
 */
export async function runStepCommand(step: Step, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(helpOf(step))
  else await runStep(step.name, (process) => runWithFlags(step, args, process))
}

async function runWithFlags(step: Step, args: readonly string[], { logger, signal }: StepProcess): Promise<void> {
  const flags = readFlags(args)
  const folder = flags['project']
  if (folder === undefined) {
    throw new EsteiraError('ESTEIRA_USAGE', 'no project was named', {
      hint: `Set ESTEIRA_PROJECT or give --project: node steps/${step.name}.js --project projects/churn`,
    })
  }
  refuseShards(step)
  const now = () => new Date()
  const runDate = parseRunDate(flags['run-date'] ?? today(now()))
  const workflow = flags['workflow'] ?? 'manual'
  const source = flags['source']
  const environment = { ...readEnvironment(), ...(source !== undefined && { source }) }
  const workspace = await openDrivers(folder, { environment, logger })
  try {
    const { project } = workspace
    const runId = checkRunId(flags['run-id'] ?? (await ownRunId(project.name, workflow, runDate)))
    const context = { runId, runDate, seed: project.definition.seed, logger, signal, now, newId: randomUUID }
    const { result, reused } = await executeStep({ step, workspace, context, workflow, options: flags })
    logger.info(result.summary.join('\n'), {
      event: 'step_finished',
      runId,
      reused,
      durationMs: result.durationMs,
      decision: result.decision,
      counts: result.counts,
      summary: result.summary,
    })
  } finally {
    await workspace.close()
  }
}

/** A step that does not know shards would do the whole work in each of them. */
function refuseShards(step: Step): void {
  const shards = process.env['ESTEIRA_SHARDS']
  if (shards === undefined || shards === '' || shards === '1') return
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `step ${step.name} cannot be split into ${shards} shards in this version`,
    {
      hint: 'Remove shards from the step in config.yaml; steps of your own may use ESTEIRA_SHARD and ESTEIRA_SHARDS.',
    },
  )
}

async function ownRunId(project: string, workflow: string, runDate: Date): Promise<string> {
  // A state machine names the run: only a step by hand needs this, and the package behind it.
  const { defaultRunId } = await import('@esteira/deploy')
  return defaultRunId(project, workflow, formatRunDate(runDate))
}

type Flags = Readonly<Record<string, string | undefined>>

function readFlags(args: readonly string[]): Flags {
  const options = Object.fromEntries(Object.keys(FLAGS).map((name) => [name, { type: 'string' as const }]))
  try {
    const { values }: { values: Readonly<Record<string, unknown>> } = parseArgs({
      args: [...args],
      options,
      strict: true,
    })
    return Object.fromEntries(
      Object.keys(FLAGS).map((name) => {
        const given = values[name]
        const variable = process.env[`ESTEIRA_${name.toUpperCase().replaceAll('-', '_')}`]
        return [name, typeof given === 'string' ? given : variable === '' ? undefined : variable]
      }),
    )
  } catch (cause) {
    const word = /'(--?[\w-]+)/.exec(cause instanceof Error ? cause.message : '')?.[1] ?? ''
    const near = nearest(word.replace(/^-+/, ''), Object.keys(FLAGS))
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      cause instanceof Error ? (cause.message.split('. ')[0] ?? cause.message) : String(cause),
      {
        hint: near === undefined ? 'See --help.' : `Did you mean --${near}? See --help.`,
        cause,
      },
    )
  }
}

function helpOf(step: Step): string {
  const lines = Object.entries(FLAGS).map(([name, text]) => `  --${name.padEnd(17)} ${text}`)
  return [
    `${step.name}: ${step.description}`,
    '',
    `Usage: node steps/${step.name}.js --project DIR [flags]`,
    '',
    ...lines,
    '  --help              this text',
    '',
    'Exit codes: 0 done · 64 bad usage or configuration · 65 data refused · 70 defect · 75 temporary failure, try again',
    '',
  ].join('\n')
}
