import { EsteiraError } from '@esteira/core'
import { z } from 'zod'
import type { Json } from '../document/asl-document.js'
import { type ChoiceTest, COMPARISON_NAMES } from './choice.js'
import { parseExpression } from './intrinsic.js'
import { parsePath } from './path.js'
import { checkTemplate } from './template.js'

/**
 * What is executed here of the Amazon States Language. The schemas are strict: a state type, field or expression that is
 * not executed here is refused by name before anything runs; ignoring it would run another machine than Step Functions does.
 */
const path = z.string().superRefine(parsesBy(parsePath))
const json = z.json() as z.ZodType<Json>
const expression = z.string().superRefine(parsesBy(parseExpression))
const template = json.superRefine(parsesBy(checkTemplate))
const whole = z.int().min(1)
const common = { Comment: z.string().optional(), QueryLanguage: z.literal('JSONPath').optional() }
const paths = { InputPath: path.nullable().optional(), OutputPath: path.nullable().optional() }
const result = { ResultPath: path.nullable().optional() }
const transition = { Next: z.string().optional(), End: z.literal(true).optional() }
const failures = {
  Retry: z
    .array(
      z.strictObject({
        ErrorEquals: z.array(z.string()).min(1),
        IntervalSeconds: whole.optional(),
        MaxAttempts: z.int().min(0).optional(),
        BackoffRate: z.number().min(1).optional(),
        MaxDelaySeconds: whole.optional(),
        JitterStrategy: z.enum(['FULL', 'NONE']).optional(),
      }),
    )
    .optional(),
  Catch: z
    .array(
      z.strictObject({
        ErrorEquals: z.array(z.string()).min(1),
        ResultPath: path.nullable().optional(),
        Next: z.string(),
      }),
    )
    .optional(),
}

const comparison: z.ZodType<ChoiceTest> = z.lazy(() =>
  z.union([
    z.strictObject({ And: z.array(comparison).min(1), Next: z.string().optional() }),
    z.strictObject({ Or: z.array(comparison).min(1), Next: z.string().optional() }),
    z.strictObject({ Not: comparison, Next: z.string().optional() }),
    z
      .looseObject({ Variable: path, Next: z.string().optional() })
      .refine(isComparison, { error: 'not exactly one comparison that is executed here' }),
  ]),
)

function isComparison(test: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(test).filter((key) => key !== 'Variable' && key !== 'Next' && key !== 'Comment')
  return names.length === 1 && names.every((name) => COMPARISON_NAMES.has(name))
}

/** States by name, and the first of them. */
export interface Machine {
  readonly StartAt: string
  readonly States: Readonly<Record<string, State>>
}

const machineFields = () => ({ StartAt: z.string(), States: z.record(z.string(), state) })
const machine: z.ZodType<Machine> = z.lazy(() => z.strictObject(machineFields()))
const itemProcessor: z.ZodType<Machine> = z.lazy(() =>
  z.strictObject({ ...machineFields(), ProcessorConfig: z.strictObject({ Mode: z.literal('INLINE') }).optional() }),
)

const pass = z.strictObject({
  Type: z.literal('Pass'),
  ...common,
  ...paths,
  ...result,
  ...transition,
  Parameters: template.optional(),
  Result: json.optional(),
})
const task = z.strictObject({
  Type: z.literal('Task'),
  ...common,
  ...paths,
  ...result,
  ...transition,
  ...failures,
  Resource: z.string(),
  Parameters: template.optional(),
  ResultSelector: template.optional(),
  TimeoutSeconds: whole.optional(),
})
const choice = z.strictObject({
  Type: z.literal('Choice'),
  ...common,
  ...paths,
  Choices: z.array(comparison).min(1),
  Default: z.string().optional(),
})
const wait = z
  .strictObject({
    Type: z.literal('Wait'),
    ...common,
    ...paths,
    ...transition,
    Seconds: z.int().min(0).optional(),
    SecondsPath: path.optional(),
  })
  .refine(
    (one) => (one.Seconds === undefined) !== (one.SecondsPath === undefined),
    'neither or both of Seconds and SecondsPath',
  )
const parallel = z.strictObject({
  Type: z.literal('Parallel'),
  ...common,
  ...paths,
  ...result,
  ...transition,
  ...failures,
  Branches: z.array(machine).min(1),
  Parameters: template.optional(),
  ResultSelector: template.optional(),
})
const map = z.strictObject({
  Type: z.literal('Map'),
  ...common,
  ...paths,
  ...result,
  ...transition,
  ...failures,
  ItemsPath: path.optional(),
  ItemSelector: template.optional(),
  MaxConcurrency: z.int().min(0).optional(),
  ItemProcessor: itemProcessor,
  ResultSelector: template.optional(),
})
const succeed = z.strictObject({ Type: z.literal('Succeed'), ...common, ...paths })
const fail = z.strictObject({
  Type: z.literal('Fail'),
  ...common,
  Error: z.string().optional(),
  Cause: z.string().optional(),
  ErrorPath: expression.optional(),
  CausePath: expression.optional(),
})
const state = z.discriminatedUnion('Type', [pass, task, choice, wait, parallel, map, succeed, fail], {
  error: 'one of Pass, Task, Choice, Wait, Parallel, Map, Succeed, Fail',
})

export type State = z.infer<typeof state>
export type StateOf<T extends State['Type']> = Extract<State, { Type: T }>

const document = z.strictObject({
  Comment: z.string().optional(),
  QueryLanguage: z.literal('JSONPath').optional(),
  Version: z.literal('1.0').optional(),
  TimeoutSeconds: whole.optional(),
  StartAt: z.string(),
  States: z.record(z.string(), state),
})

/**
 * The document, checked: every state and expression is one that is executed here, and leads to states that exist.
 * @throws EsteiraError ESTEIRA_UNSUPPORTED naming the state and the field.
 */
export function parseDocument(value: unknown): z.infer<typeof document> {
  const parsed = document.safeParse(value)
  if (!parsed.success) throw refuse(parsed.error.issues.map((issue) => describeIssue(issue)))
  const faults = checkTransitions(parsed.data)
  if (faults.length > 0) throw refuse(faults)
  return parsed.data
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const keys = issue.code === 'unrecognized_keys' ? issue.keys : []
  const place = [...issue.path, ...keys].join('.')
  if (keys.length > 0) return `${place} is not executed here`
  return issue.code === 'custom' ? `${place}: ${issue.message}` : `${place}: expected ${issue.message}`
}

function checkTransitions(one: Machine): string[] {
  const missing = (from: string, to: string | undefined) =>
    to === undefined || Object.hasOwn(one.States, to) ? [] : [`${from} leads to "${to}", which is not there`]
  return [
    ...missing('StartAt', one.StartAt),
    ...Object.entries(one.States).flatMap(([name, state]) => [
      ...waysOut(state).flatMap((to) => missing(`States.${name}`, to)),
      ...('Next' in state || 'End' in state || ['Choice', 'Succeed', 'Fail'].includes(state.Type)
        ? []
        : [`States.${name} has neither Next nor End`]),
      ...(state.Type === 'Map' ? checkTransitions(state.ItemProcessor) : []),
      ...(state.Type === 'Parallel' ? state.Branches.flatMap(checkTransitions) : []),
    ]),
  ]
}

function waysOut(state: State): (string | undefined)[] {
  const caught = 'Catch' in state ? (state.Catch ?? []).map((one) => one.Next) : []
  if (state.Type === 'Choice') return [state.Default, ...state.Choices.map(nextOf)]
  return 'Next' in state ? [state.Next, ...caught] : caught
}

/** Where a rule of a Choice state leads. */
export function nextOf(test: ChoiceTest): string | undefined {
  return typeof test['Next'] === 'string' ? test['Next'] : undefined
}

function refuse(faults: readonly string[]): EsteiraError {
  const shown = faults.slice(0, 5).join('; ')
  return new EsteiraError('ESTEIRA_UNSUPPORTED', `the state machine cannot be executed here: ${shown}`, {
    details: { faults },
    hint: 'Only what Step Functions would do the same is executed; nothing was started.',
  })
}

/** Adds what `parse` objects to as the issue. */
function parsesBy<T>(parse: (value: T) => unknown): (value: T, context: z.core.$RefinementCtx<T>) => void {
  return (value, context) => {
    try {
      parse(value)
    } catch (error) {
      if (!(error instanceof EsteiraError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
    }
  }
}
