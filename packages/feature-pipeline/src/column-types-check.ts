import type { Column, ColumnType, FeatureType, FeatureView, Lakehouse } from '@esteira/core'
import type { FeatureCheck } from './feature-checks.js'

const COLUMN_TYPES: Readonly<Record<FeatureType, ColumnType>> = {
  integer: 'int',
  bigint: 'long',
  double: 'double',
  varchar: 'string',
}

/** One failed check for each column of the view that staged rows lack or hold in another type. */
export async function checkColumnTypes(
  view: FeatureView,
  lakehouse: Lakehouse,
  staged: string,
): Promise<FeatureCheck[]> {
  const { columns } = await lakehouse.engine.query(`SELECT * FROM ${staged} AS s LIMIT 0`)
  const { entity } = view.from
  const wanted: [string, string, ColumnType][] = [
    [entity.column, entity.type, entity.type],
    ['feature_date', 'date', 'date'],
    ...Object.entries(view.features).map(([name, { type }]): [string, string, ColumnType] => [
      name,
      type,
      COLUMN_TYPES[type],
    ]),
  ]
  return wanted.flatMap(([name, expected, type]) => {
    const found: Column | undefined = columns.get(name)
    if (found?.type === type) return []
    return [{ name: `${name}.type`, expected, found: found?.type ?? 'no such column', passed: false }]
  })
}
