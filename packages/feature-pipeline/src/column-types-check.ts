import type { Column, ColumnType, FeatureType, FeatureView, Lakehouse } from '@esteira/core'
import type { FeatureCheck } from './feature-check.js'

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
    ['_feature_version', 'integer', 'int'],
    ['_feature_hash', 'string', 'string'],
    ['_created_at', 'timestamp', 'timestamp'],
  ]
  return wanted.flatMap(([name, expected, type]) => {
    const found: Column | undefined = columns.get(name)
    if (found?.type === type) return []
    return [
      {
        name: `${name}.type`,
        rule: 'type',
        column: name,
        severity: 'error' as const,
        expected,
        found: found?.type ?? 'no such column',
        passed: false,
      },
    ]
  })
}
