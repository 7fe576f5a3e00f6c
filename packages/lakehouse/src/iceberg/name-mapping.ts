import { EsteiraError } from '@esteira/core'
import { z } from 'zod'

/** What columns of files without field ids stand for: the table property `schema.name-mapping.default`. */
export interface NamedField {
  readonly 'field-id'?: number | undefined
  readonly names: readonly string[]
  readonly fields?: readonly NamedField[] | undefined
}

const namedField: z.ZodType<NamedField> = z.lazy(() =>
  z.object({ 'field-id': z.int().optional(), names: z.array(z.string()), fields: z.array(namedField).optional() }),
)

const PROPERTY = 'schema.name-mapping.default'

/** The mapping of a table; undefined when it has none. @throws EsteiraError ESTEIRA_TABLE_CORRUPT */
export function nameMappingOf(
  properties: Readonly<Record<string, string>>,
  table: string,
): readonly NamedField[] | undefined {
  const text = properties[PROPERTY]
  if (text === undefined) return undefined
  try {
    return z.array(namedField).parse(JSON.parse(text))
  } catch (cause) {
    throw new EsteiraError('ESTEIRA_TABLE_CORRUPT', `property ${PROPERTY} of table ${table} is no name mapping`, {
      hint: 'It is a JSON list such as [{"field-id": 1, "names": ["id"]}]; correct it with the engine that set it.',
      details: { table, property: PROPERTY },
      cause,
    })
  }
}
