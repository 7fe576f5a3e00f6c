import { createHash } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { ERROR_CODES, type ErrorCode, EsteiraError, type ObjectStore, readConfig, type StepResult } from '@esteira/core'
import { defaultRunId, type RunError, runWorkflow, type WorkflowRun } from '@esteira/deploy'
import { z } from 'zod'
import { readEnvironment } from '../environment.js'
import { openObjects } from '../open-workspace.js'
import { checkRunId, formatRunDate, parseRunDate, today } from '../run-date.js'
import { checkStepFiles, stepsFolder } from '../step-files.js'
import { findResult } from '../step-results.js'
import { renderRun } from '../terminal/render-run.js'
import { readStepLine, type StepFailure } from '../terminal/step-log.js'
import { formatDuration, style } from '../terminal/style.js'

export interface RunCommand {
  readonly project: string
  readonly workflow: string
  readonly runDate?: string
  readonly runId?: string
  readonly source?: string
  readonly only?: string
  readonly from?: string
  readonly json: boolean
  readonly signal: AbortSignal
}

/** What a run left, as `run --json` prints it. */
export interface RunReport extends Omit<WorkflowRun, 'error'> {
  readonly outputs: {
    readonly tables: readonly string[]
    readonly model: {
      readonly name: string
      readonly version: number
      readonly metrics: Readonly<Record<string, unknown>>
    } | null
    readonly drift: { readonly verdict: string; readonly reasons: readonly string[] } | null
    readonly files: readonly string[]
  }
  readonly error?: {
    readonly step?: string
    readonly message: string
    /** As the step's own error says; absent when it ended without one. */
    readonly code?: string
    readonly hint?: string
    readonly details?: Readonly<Record<string, unknown>>
  }
}

/** Executes the state machine of a workflow on this machine and reports what it made. */
export async function runCommand(command: RunCommand): Promise<RunReport> {
  const config = await readConfig(command.project)
  const environment = readEnvironment()
  const objects = await openObjects(environment, () => mkdtemp(join(tmpdir(), 'esteira-')))
  const runDate = formatRunDate(parseRunDate(command.runDate ?? today(new Date())))
  const runId = checkRunId(command.runId ?? defaultRunId(config.projectName, command.workflow, runDate))
  const workingFolder = stepsFolder()
  const workflow = config.workflows.get(command.workflow)
  // A workflow that there is not is told by the state machine, with the nearest name.
  if (workflow !== undefined) await checkStepFiles(command.project, [workflow], workingFolder)
  const source = command.source === undefined ? undefined : resolve(command.source)
  const release = await lockRun(objects, runId)
  // With --json, standard output is the report's alone.
  const stream = command.json ? process.stderr : process.stdout
  try {
    const run = await runWorkflow({
      config,
      workflow: command.workflow,
      projectFolder: relative(workingFolder, resolve(command.project)) || '.',
      runDate,
      runId,
      objects,
      environment: {
        ...process.env,
        ESTEIRA_HOME: environment.home,
        ...(source !== undefined && { ESTEIRA_SOURCE: source }),
      },
      workingFolder,
      nodePath: process.execPath,
      now: () => new Date(),
      signal: command.signal,
      onEvent: renderRun(stream, `${style.bold(command.workflow.padEnd(24))} ${runId}`),
      ...(command.only !== undefined && { only: command.only }),
      ...(command.from !== undefined && { from: command.from }),
    })
    return await reportOf(run, objects)
  } finally {
    await release()
  }
}

const lockFile = z.object({ pid: z.number(), host: z.string(), since: z.string() })

/** Refuses a second start of a run that is going on. A lock whose process is gone is taken over. */
async function lockRun(objects: ObjectStore, runId: string): Promise<() => Promise<void>> {
  const key = `runs/${runId}/lock.json`
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() })
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await objects.put(key, mine, { ifAbsent: true })) return () => objects.delete(key)
    const body = await objects.get(key)
    if (body === undefined) continue
    const holder = lockFile.safeParse(JSON.parse(new TextDecoder().decode(body)))
    if (holder.success && (holder.data.host !== hostname() || isAlive(holder.data.pid))) {
      throw new EsteiraError(
        'ESTEIRA_RUN_BUSY',
        `run ${runId} is going on since ${holder.data.since} (process ${holder.data.pid} on ${holder.data.host})`,
        {
          hint: `Wait for it, or give another --run-id. If that machine is gone, remove ${objects.locate(key)}.`,
        },
      )
    }
    // Of several that find the same dead holder, the one that writes the mark takes the lock away; the others look again.
    const mark = `runs/${runId}/lock-ended-${createHash('sha256').update(body).digest('hex').slice(0, 12)}.json`
    if (await objects.put(mark, mine, { ifAbsent: true })) await objects.delete(key)
  }
  throw new EsteiraError('ESTEIRA_RUN_BUSY', `run ${runId} is being started by another process`, {
    hint: `If none is, remove ${objects.locate(key)}.`,
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const modelOutput = z.object({
  model: z.object({ name: z.string(), version: z.number(), metrics: z.record(z.string(), z.unknown()) }),
})
const driftOutput = z.object({ verdict: z.string(), reasons: z.array(z.string()) })

async function reportOf(run: WorkflowRun, objects: ObjectStore): Promise<RunReport> {
  const found = await Promise.all(run.steps.map(({ id }) => findResult(objects, run.runId, id)))
  const results = found.filter((result): result is StepResult => result !== undefined)
  const outputOf = (step: string) => results.find((result) => result.step === step)?.output
  const model = modelOutput.safeParse(outputOf('promote_model'))
  const drift = driftOutput.safeParse(outputOf('detect_drift'))
  const { error, ...rest } = run
  return {
    ...rest,
    outputs: {
      tables: unique(results.flatMap(({ wrote }) => (wrote?.tables ?? []).map(({ table }) => table))),
      model: model.success ? model.data.model : null,
      drift: drift.success ? drift.data : null,
      files: unique(results.flatMap(({ wrote }) => (wrote?.files ?? []).map((key) => objects.locate(key)))),
    },
    ...(error !== undefined && { error: describeError(error) }),
  }
}

function describeError(error: RunError): NonNullable<RunReport['error']> {
  const step = error.step === undefined ? {} : { step: error.step }
  const own = failureIn(error.lastLines)
  if (own === undefined) return { ...step, message: `${error.error}: ${error.cause}`.slice(0, 2000) }
  const { msg, exitCode: _, ...rest } = own
  return { ...step, message: msg, ...withoutUndefined(rest) }
}

function failureIn(lines: readonly string[]): StepFailure | undefined {
  const read = lines.map(readStepLine).findLast(({ kind }) => kind === 'failure')
  return read?.kind === 'failure' ? read.failure : undefined
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const present = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(present) as { [K in keyof T]: Exclude<T[K], undefined> }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}

/** Ends the command as the run ended. @throws EsteiraError with the code of the step that failed */
export function throwIfFailed(report: RunReport): void {
  if (report.status === 'succeeded') return
  const failed = report.steps.findLast(({ status }) => status !== 'succeeded')
  const where = failed === undefined ? '' : ` in ${failed.id}`
  const hint = 'The same command again goes on from there: finished steps are not repeated.'
  if (report.status === 'aborted')
    throw new EsteiraError('ESTEIRA_INTERRUPTED', `run ${report.runId} was stopped${where}`, { hint })
  const reason = failed?.status === 'timedOut' ? ': it took longer than its timeout_seconds' : ', see above'
  throw new EsteiraError(codeOf(report, failed?.exitCode), `run ${report.runId} failed${where}${reason}`, { hint })
}

/** The step's own code; of a step in another language, one that ends with the same exit code. */
function codeOf({ error }: RunReport, exitCode: number | null | undefined): ErrorCode {
  const code = error?.code
  if (code !== undefined && isErrorCode(code)) return code
  if (exitCode === 64) return 'ESTEIRA_USAGE'
  if (exitCode === 65) return 'ESTEIRA_NO_DATA'
  return exitCode === 75 ? 'ESTEIRA_INTERRUPTED' : 'ESTEIRA_STEP_FAILED'
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}

/** Total time of the steps, for the last line. */
export function totalDuration(report: RunReport): string {
  return formatDuration(report.steps.reduce((total, { durationMs }) => total + durationMs, 0))
}
