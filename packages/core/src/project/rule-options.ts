import { z } from 'zod'
import { EsteiraError, nearest } from '../errors.js'

/** `error` refuses the batch; `warning` is told in the report and the log, and the batch is published. */
export const RULE_SEVERITIES = ['error', 'warning'] as const
export type RuleSeverity = (typeof RULE_SEVERITIES)[number]

/** What a rule can say beside its condition. */
export interface RuleOptions {
  /** Share of the rows, 0 to 1, that may break the rule. Default 0. */
  readonly atMost?: number
  /** Default `error`. */
  readonly severity?: RuleSeverity
}

const share = z.number().min(0).max(1)

export const ruleOptionShape = {
  atMost: share.optional(),
  severity: z.enum(RULE_SEVERITIES).optional(),
}

export const shareShape = { maxNullShare: share.optional() }

/**
 * The options of a rule, checked: project files are run without a check of their types.
 *
 * @throws EsteiraError ESTEIRA_PROJECT for an option that is misspelt or has another type
 */
export function readRuleOptions<Shape extends z.ZodRawShape>(
  where: string,
  shape: Shape,
  options: unknown,
): z.output<z.ZodObject<Shape>> {
  const parsed = z.strictObject(shape).safeParse(options)
  // The strict object has the same output; only its refusal of other keys differs.
  if (parsed.success) return parsed.data as z.output<z.ZodObject<Shape>>
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') throw unknownOption(where, issue.keys[0] ?? '', Object.keys(shape))
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `${where}${issue === undefined || issue.path.length === 0 ? '' : `: ${issue.path.join('.')}`}: ${issue?.message ?? 'no options'}`,
    { hint: `The options: ${Object.keys(shape).join(', ')}.` },
  )
}

/** The refusal of an option that does not exist, with the nearest one. */
export function unknownOption(where: string, found: string, known: readonly string[]): EsteiraError {
  const near = nearest(found, known)
  return new EsteiraError('ESTEIRA_PROJECT', `${where}: there is no option "${found}"`, {
    hint: near === undefined ? `The options: ${known.join(', ')}.` : `Did you mean "${near}"?`,
  })
}
