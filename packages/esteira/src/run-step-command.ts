import { randomUUID } from 'node:crypto'
import { EsteiraError, runStep, type Step, type StepProcess } from '@esteira/core'
import { readEnvironment } from './environment.js'
import { executeStep } from './execute-step.js'
import { openDrivers } from './open-workspace.js'
import { checkRunId, formatRunDate, parseRunDate, today } from './run-date.js'
import { readStepFlags, STEP_FLAGS } from './step-flags.js'

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
  const flags = readStepFlags(args, process.env)
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

function helpOf(step: Step): string {
  const lines = Object.entries(STEP_FLAGS).map(([name, text]) => `  --${name.padEnd(17)} ${text}`)
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
