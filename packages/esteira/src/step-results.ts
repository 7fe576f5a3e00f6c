import { createHash } from 'node:crypto'
import { EsteiraError, type ObjectStore, type StepPlan, type StepResult } from '@esteira/core'
import { z } from 'zod'

const tableRead = z.object({ table: z.string(), snapshotId: z.string().nullable() })

const stepResult = z.object({
  project: z.string(),
  workflow: z.string(),
  runId: z.string(),
  runDate: z.string(),
  step: z.string(),
  askedHash: z.string(),
  read: z.array(tableRead),
  startedAt: z.string(),
  durationMs: z.number(),
  summary: z.array(z.string()),
  wrote: z.object({ tables: z.array(tableRead).optional(), files: z.array(z.string()).optional() }).optional(),
  counts: z.record(z.string(), z.number()).optional(),
  decision: z.string().optional(),
  output: z.record(z.string(), z.unknown()).optional(),
})

function keyOf(runId: string, step: string): string {
  return `runs/${runId}/${step}.json`
}

/** The stored result of a step of a run; undefined when it has not run. */
export async function findResult(objects: ObjectStore, runId: string, step: string): Promise<StepResult | undefined> {
  const body = await objects.get(keyOf(runId, step))
  if (body === undefined) return undefined
  const parsed = stepResult.safeParse(parseJson(new TextDecoder().decode(body)))
  // exactOptionalPropertyTypes: absent keys stay absent, zod never sets them to undefined.
  if (parsed.success) return parsed.data as StepResult
  throw new EsteiraError('ESTEIRA_STEP_RESULT_MISSING', `${objects.locate(keyOf(runId, step))} is no step result`, {
    hint: `Remove it and run the step ${step} again.`,
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The stored result of a step. @throws EsteiraError ESTEIRA_STEP_RESULT_MISSING */
export async function resultOf(objects: ObjectStore, runId: string, step: string): Promise<StepResult> {
  const found = await findResult(objects, runId, step)
  if (found !== undefined) return found
  throw new EsteiraError('ESTEIRA_STEP_RESULT_MISSING', `step ${step} has no result in run ${runId}`, {
    hint: `Run it first with the same run id: ESTEIRA_RUN_ID=${runId} node steps/${step}.js`,
    details: { runId, step },
  })
}

/** Stores the result: the commit point of a step. */
export async function storeResult(objects: ObjectStore, result: StepResult): Promise<void> {
  await objects.put(keyOf(result.runId, result.step), JSON.stringify(result, null, 2))
}

/** sha256 over what a step was asked. */
export function askedHash({ asked }: StepPlan): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex')
}

/** Whether an earlier result answers the same question over the same tables. */
export function answers(
  earlier: StepResult,
  question: {
    readonly askedHash: string
    readonly project: string
    readonly workflow: string
    readonly runDate: string
  } & Pick<StepPlan, 'read'>,
): boolean {
  return (
    earlier.askedHash === question.askedHash &&
    earlier.project === question.project &&
    earlier.workflow === question.workflow &&
    earlier.runDate === question.runDate &&
    JSON.stringify(earlier.read) === JSON.stringify(question.read)
  )
}

/** Whether every file that a step wrote still exists. */
export async function filesAreThere(objects: ObjectStore, { wrote }: StepResult): Promise<boolean> {
  for (const key of wrote?.files ?? []) {
    if (!(await objects.list(key)).some((object) => object.key === key)) return false
  }
  return true
}
