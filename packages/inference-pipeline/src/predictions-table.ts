import type { SourceDefinition, TableDefinition } from '@esteira/core'

/** The table `predictions.<model>`. */
export function predictionsDefinition(source: SourceDefinition): TableDefinition {
  return {
    columns: [
      { name: 'prediction_id', type: 'string', required: true },
      { name: source.entity.column, type: source.entity.type, required: true },
      { name: 'scoring_ts', type: 'timestamp', required: true, doc: 'run date, UTC' },
      { name: 'feature_date', type: 'date', required: true },
      { name: 'prediction', type: 'int', doc: '1 where the probability reaches the threshold of the model' },
      { name: 'probability', type: 'double' },
      { name: 'model_name', type: 'string' },
      { name: 'model_version', type: 'int' },
      { name: 'feature_snapshot_id', type: 'long', doc: 'snapshot of the feature table that was scored' },
      { name: 'latency_ms', type: 'double', doc: 'mean milliseconds a row took' },
      { name: 'run_id', type: 'string' },
    ],
    partitionBy: [{ column: 'scoring_ts', transform: 'month' }],
  }
}
