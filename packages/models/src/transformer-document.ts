import { z } from 'zod'

const name = z.string().min(1)

const number = z.strictObject({
  name,
  kind: z.literal('number'),
  /** Column of the matrix; null when only the indicator is kept. */
  output: name.nullable(),
  /** Column that is 1 where the value is missing. */
  missing: name.nullable(),
  /** Value in place of a missing one; null leaves it missing. */
  fill: z.number().nullable(),
  /** `(value - mean) / scale`; null leaves the value as it is. */
  scaling: z.strictObject({ mean: z.number(), scale: z.number().gt(0) }).nullable(),
})

const boolean = number.extend({ kind: z.literal('boolean') })

const string = z.strictObject({
  name,
  kind: z.literal('string'),
  /** Each level with its column, 1 where the row has it. Every other value, and null, is 0 in all of them. */
  levels: z.array(z.strictObject({ level: z.string(), output: name })),
  missing: name.nullable(),
})

/** `transformer.json`: the fitted transform of each column of the rows, in the order of the matrix. */
export const transformerDocument = z.strictObject({
  format: z.literal('esteira.feature_transformer'),
  version: z.literal(1),
  columns: z.array(z.discriminatedUnion('kind', [number, boolean, string])),
  dropped: z.array(z.strictObject({ name, reason: z.string() })),
})

export type TransformerDocument = z.output<typeof transformerDocument>
export type ColumnTransform = TransformerDocument['columns'][number]
export type NumberTransform = Extract<ColumnTransform, { kind: 'number' | 'boolean' }>
export type StringTransform = Extract<ColumnTransform, { kind: 'string' }>

/** Names of the matrix columns that a column of the rows becomes, in order. */
export function outputsOf(column: ColumnTransform): readonly string[] {
  const values = column.kind === 'string' ? column.levels.map((entry) => entry.output) : [column.output]
  return [...values, column.missing].filter((output) => output !== null)
}
