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

const valueType = z.enum(['number', 'integer', 'string'])

/** What a rule can hold of a zod type; anything else it asks would not be checked, so it is refused. */
const ruleSchema = z.strictObject({
  $schema: z.string().optional(),
  type: z.union([valueType, z.tuple([valueType, z.literal('null')])]).optional(),
  description: z.string().optional(),
  title: z.string().optional(),
  maxNullShare: z.number().optional(),
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
 * @throws EsteiraError ESTEIRA_PROJECT for a type that is no number, text, literal or enum, or asks what SQL would not check
 */
export function columnRule(feature: string, type: z.ZodType): ColumnRule {
  const meta = z.looseObject({ maxNullShare: z.number().min(0).max(1).optional() }).safeParse(type.meta() ?? {})
  if (!meta.success) throw unusable(feature, 'maxNullShare is no share between 0 and 1')
  const { maxNullShare } = meta.data
  const json = jsonSchemaOf(feature, type)
  const branches = (json.anyOf ?? [json]).filter((branch) => typeof branch === 'object')
  const values = branches.filter((branch) => branch.type !== 'null')
  if (values.length !== 1) throw unusable(feature, `${values.length} alternatives`)
  const parsed = ruleSchema.safeParse(values[0])
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw unusable(
      feature,
      issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : `type ${values[0]?.type ?? '?'}`,
    )
  }
  const isNullable = values.length < branches.length || Array.isArray(parsed.data.type)
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

function jsonSchemaOf(feature: string, type: z.ZodType): z.core.JSONSchema.BaseSchema {
  try {
    return z.toJSONSchema(type)
  } catch (cause) {
    throw unusable(feature, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function unusable(feature: string, found: string, cause?: unknown): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_PROJECT',
    `rules.${feature}: expected a zod number, string, literal or enum with a range, nullable or not; found ${found}`,
    {
      hint: 'Examples: z.number().min(0), z.enum(["a", "b"]).nullable(), z.number().nullable().meta({ maxNullShare: 0.2 }).',
      ...(cause !== undefined && { cause }),
    },
  )
}
