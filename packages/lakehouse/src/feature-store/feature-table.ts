import type { FeatureType, FeatureView, TableColumnType, TableDefinition } from '@esteira/core'

const TABLE_TYPES: Readonly<Record<FeatureType, TableColumnType>> = {
  integer: 'int',
  bigint: 'long',
  double: 'double',
  varchar: 'string',
}

/** The table `feature_store.<view>`: entity, feature date, features, and what says where a row is from. */
export function featureTableDefinition(view: FeatureView): TableDefinition {
  const { entity } = view.from
  return {
    columns: [
      { name: entity.column, type: entity.type, required: true },
      { name: 'feature_date', type: 'date', required: true, doc: 'only events before this day are in the row' },
      ...Object.entries(view.features).map(([name, { type }]) => ({ name, type: TABLE_TYPES[type] })),
      { name: '_feature_version', type: 'int', required: true, doc: 'counts the definitions of the view' },
      { name: '_feature_hash', type: 'string', required: true, doc: 'sha256 of the definition' },
      { name: '_created_at', type: 'timestamp', required: true, doc: 'UTC' },
    ],
    partitionBy: [{ column: 'feature_date', transform: 'month' }],
    properties: { 'esteira.view': view.name },
  }
}
