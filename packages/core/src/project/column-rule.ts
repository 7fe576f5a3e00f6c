import { z } from 'zod'
import { EsteiraError } from '../errors.js'

/** One rule that the staged values of a feature must keep before they are published. */
export interface ColumnRule {
  /** Largest share of nulls, 0 to 1; 0 when the zod type is not nullable. */
  readonly maxNullShare: number
  readonly min?: number
  readonly max?: number
  readonly exclusiveMin?: number
  readonly exclusiveMax?: number
  readonly allowed?: readonly (string | number)[]
}

const ruleSchema = z.object({
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  enum: z.array(z.union([z.string(), z.number()])).optional(),
  const: z.union([z.string(), z.number()]).optional(),
})

/**
 * The rule that a zod type says of a column: range, allowed values, nulls. `z.number().min(0).nullable()` allows any share of
 * nulls; `.meta({ maxNullShare: 0.2 })` bounds it.
 *
 * @throws EsteiraError ESTEIRA_PROJECT for a type that is no number, text, literal or enum
 */
export function columnRule(feature: string, type: z.ZodType): ColumnRule {
  const { maxNullShare } = z.looseObject({ maxNullShare: z.number().min(0).max(1).optional() }).parse(type.meta() ?? {})
  const json = z.toJSONSchema(type)
  const branches = (json.anyOf ?? [json]).filter((branch) => typeof branch === 'object')
  const values = branches.filter((branch) => branch.type !== 'null')
  const isNullable = values.length < branches.length
  const parsed = values.length === 1 ? ruleSchema.safeParse(values[0]) : undefined
  if (parsed?.success !== true) {
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `rules.${feature}: expected a zod number, string, literal or enum, nullable or not`,
      {
        hint: 'Examples: z.number().min(0), z.enum(["a", "b"]).nullable(), z.number().nullable().meta({ maxNullShare: 0.2 }).',
      },
    )
  }
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, enum: several, const: one } = parsed.data
  const allowed = several ?? (one === undefined ? undefined : [one])
  return {
    maxNullShare: maxNullShare ?? (isNullable ? 1 : 0),
    ...(minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER && { min: minimum }),
    ...(maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && { max: maximum }),
    ...(exclusiveMinimum !== undefined && { exclusiveMin: exclusiveMinimum }),
    ...(exclusiveMaximum !== undefined && { exclusiveMax: exclusiveMaximum }),
    ...(allowed !== undefined && { allowed }),
  }
}
