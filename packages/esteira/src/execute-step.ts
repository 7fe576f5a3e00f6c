import type { RunContext, Step, StepResult, StepScope, Workspace } from '@esteira/core'
import { answers, askedHash, filesAreThere, findResult, resultOf, storeResult } from './step-results.js'

export interface ExecuteStepOptions {
  readonly step: Step
  readonly workspace: Workspace
  readonly context: RunContext
  readonly workflow: string
  readonly options?: Readonly<Record<string, string | undefined>>
}

export interface ExecutedStep {
  readonly result: StepResult
  /** True when the result of an earlier execution answered the same question and nothing was done. */
  readonly reused: boolean
}

/** Runs a step, or re-uses its stored result when it was asked the same over the same tables and its files are still there. */
export async function executeStep({
  step,
  workspace,
  context,
  workflow,
  options = {},
}: ExecuteStepOptions): Promise<ExecutedStep> {
  const { objects, project } = workspace
  const scope: StepScope = {
    context,
    workspace,
    workflow,
    options,
    resultOf: (name) => resultOf(objects, context.runId, name),
    findResult: (name) => findResult(objects, context.runId, name),
  }
  const plan = await step.plan(scope)
  const question = {
    project: project.name,
    workflow,
    runDate: context.runDate.toISOString(),
    askedHash: askedHash(plan),
    read: plan.read,
  }
  const earlier = await findResult(objects, context.runId, step.name)
  if (earlier !== undefined && answers(earlier, question) && (await filesAreThere(objects, earlier)))
    return { result: earlier, reused: true }
  const startedAt = context.now()
  const outcome = await step.run(scope)
  const result: StepResult = {
    ...question,
    runId: context.runId,
    step: step.name,
    startedAt: startedAt.toISOString(),
    durationMs: context.now().getTime() - startedAt.getTime(),
    ...outcome,
  }
  await storeResult(objects, result)
  return { result, reused: false }
}
