import { z } from 'zod'
import { EsteiraError } from '../errors.js'
import type { FeatureType } from './feature.js'
import { type RuleOptions, type RuleSeverity, readRuleOptions, ruleOptionShape, shareShape } from './rule-options.js'

/** One rule that the staged values of a feature must keep before they are published. */
export interface ColumnRule {
  /** Largest share of nulls, 0 to 1; 0 when the zod type is not nullable. */
  readonly maxNullShare: number
  readonly min?: number
  readonly max?: number
  readonly exclusiveMin?: number
  readonly exclusiveMax?: number
  readonly allowed?: readonly (string | number)[]
  /** Whole numbers only, in a column of doubles. */
  readonly whole?: true
  /** Share of the rows that may lie outside range and allowed values; 0 when absent. */
  readonly atMost?: number
  /** `error` when absent. */
  readonly severity?: RuleSeverity
}

export interface ColumnRuleOptions extends RuleOptions {
  /** Share of the rows, 0 to 1, that may be null. Default 1 for a nullable type, else 0. */
  readonly maxNullShare?: number
}

/**
 * A zod type with what it cannot say itself: how many rows may break it, how many may be null, and whether that refuses the
 * batch. The same as `.meta({ … })`, but a misspelt option does not compile.
 *
 * @example
 * rules: { churn_score: rule(z.number().min(0).max(1).nullable(), { maxNullShare: 0.2, severity: 'warning' }) }
 */
export function rule<Type extends z.ZodType>(type: Type, options: ColumnRuleOptions): Type {
  return type.meta({ ...type.meta(), ...options })
}

const optionShape = { ...ruleOptionShape, ...shareShape }
/** What zod itself may note of a type. */
const NOTES = ['title', 'description', 'examples', 'deprecated']

const valueType = z.enum(['number', 'integer', 'string'])

/** What a rule can hold of a zod type; anything else it asks would not be checked, so it is refused. */
const ruleSchema = z.strictObject({
  $schema: z.string().optional(),
  type: z.union([valueType, z.tuple([valueType, z.literal('null')])]).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  enum: z.array(z.union([z.string(), z.number()])).optional(),
  const: z.union([z.string(), z.number()]).optional(),
})

type ValueSchema = z.output<typeof ruleSchema>

/**
 * The rule that a zod type says of a column: range, allowed values, nulls. `z.number().min(0).nullable()` allows any share of
 * nulls; `.meta({ maxNullShare: 0.2 })` or {@link rule} bounds it.
 *
 * @throws EsteiraError ESTEIRA_PROJECT for a type that is no number, text, literal or enum, that asks what SQL would not check,
 * or that is of another type than the feature
 */
export function columnRule(feature: string, type: z.ZodType, featureType?: FeatureType): ColumnRule {
  const json = jsonSchemaOf(feature, type)
  const branches = (json.anyOf ?? [json]).filter((branch) => typeof branch === 'object')
  const values = branches.filter((branch) => branch.type !== 'null')
  const [value] = values
  if (value === undefined || values.length !== 1) throw unusable(feature, `${values.length} alternatives`)
  // What is noted before `.nullable()` stands at the branch, what is noted after it at the whole.
  const [inner, schema] = apart(value)
  const own = Object.entries(type.meta() ?? {}).filter(([key]) => !NOTES.includes(key))
  const options = readRuleOptions(`rules.${feature}`, optionShape, { ...inner, ...Object.fromEntries(own) })
  const parsed = ruleSchema.safeParse(schema)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw unusable(feature, issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : `type ${value.type ?? '?'}`)
  }
  const isNullable = values.length < branches.length || Array.isArray(parsed.data.type)
  checkType(feature, parsed.data, featureType)
  return ruleOf(parsed.data, { isNullable, featureType, ...options })
}

/** The options and notes of a schema, and the rest of it. */
function apart(schema: object): [Record<string, unknown>, Record<string, unknown>] {
  const entries = Object.entries(schema).filter(([key]) => !NOTES.includes(key))
  const isOption = ([key]: [string, unknown]) => key in optionShape
  return [Object.fromEntries(entries.filter(isOption)), Object.fromEntries(entries.filter((entry) => !isOption(entry)))]
}

interface Found {
  readonly maxNullShare?: number | undefined
  readonly atMost?: number | undefined
  readonly severity?: RuleSeverity | undefined
  readonly isNullable: boolean
  readonly featureType: FeatureType | undefined
}

function ruleOf(schema: ValueSchema, { isNullable, featureType, maxNullShare, atMost, severity }: Found): ColumnRule {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, enum: several, const: one } = schema
  const allowed = several ?? (one === undefined ? undefined : [one])
  return {
    maxNullShare: maxNullShare ?? (isNullable ? 1 : 0),
    ...(minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER && { min: minimum }),
    ...(maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && { max: maximum }),
    ...(exclusiveMinimum !== undefined && { exclusiveMin: exclusiveMinimum }),
    ...(exclusiveMaximum !== undefined && { exclusiveMax: exclusiveMaximum }),
    ...(allowed !== undefined && { allowed }),
    ...(featureType === 'double' && typesOf(schema).includes('integer') && { whole: true as const }),
    ...(atMost !== undefined && { atMost }),
    ...(severity !== undefined && { severity }),
  }
}

function typesOf({ type, enum: several, const: one }: ValueSchema): readonly string[] {
  const named = [type ?? []].flat().filter((each) => each !== 'null')
  const values = [...(several ?? []), ...(one === undefined ? [] : [one])].map((value) => typeof value)
  return [...named, ...values]
}

/** Text compared with a number would be an error of the engine, after the features were computed. */
function checkType(feature: string, schema: ValueSchema, featureType: FeatureType | undefined): void {
  if (featureType === undefined) return
  const isText = featureType === 'varchar'
  const wrong = typesOf(schema).find((type) => (type === 'string') !== isText)
  if (wrong === undefined) return
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `rules.${feature}: the rule is about ${wrong === 'string' ? 'text' : 'numbers'}, the feature is of type ${featureType}`,
    { hint: `Use ${isText ? 'z.string() or z.enum([...])' : 'z.number()'} for it.` },
  )
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
