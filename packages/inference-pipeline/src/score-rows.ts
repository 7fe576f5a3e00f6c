import { createHash } from 'node:crypto'
import { type Column, columnOf, EsteiraError, type Frame, toStrings } from '@esteira/core'
import type { SignatureColumn } from '@esteira/mlflow'
import type { ScoringModel } from '@esteira/models'

export interface ScoreFacts {
  readonly model: ScoringModel
  readonly modelName: string
  readonly modelVersion: number
  readonly signature: readonly SignatureColumn[]
  /** Column that names the entity. */
  readonly entity: string
  /** Time of the scoring, microseconds since 1970. */
  readonly scoringTs: bigint
  /** Milliseconds of a clock that only goes forward. */
  readonly clockMs: () => number
}

/**
 * Scores pieces of rows: for each piece a frame of entity, `prediction_id`, `prediction`, `probability` and `latency_ms` (mean
 * milliseconds a row took in its piece). Row order is kept.
 *
 * @throws EsteiraError ESTEIRA_SIGNATURE before anything is scored
 */
export async function* scoreRows(pieces: AsyncIterable<Frame>, facts: ScoreFacts): AsyncGenerator<Frame> {
  for await (const rows of pieces) {
    checkSignature(rows, facts.signature)
    const startedMs = facts.clockMs()
    const { prediction, probability } = facts.model.predict(rows)
    const latencyMs = rows.rowCount === 0 ? 0 : (facts.clockMs() - startedMs) / rows.rowCount
    const entity = columnOf(rows, facts.entity)
    const columns = new Map<string, Column>([
      [facts.entity, entity],
      ['prediction_id', { type: 'string', values: predictionIds(entity, facts) }],
      ['prediction', { type: 'int', values: Int32Array.from(prediction) }],
      ['probability', { type: 'double', values: probability }],
      ['latency_ms', { type: 'double', values: new Float64Array(rows.rowCount).fill(latencyMs) }],
    ])
    yield { rowCount: rows.rowCount, columns }
  }
}

/** The same scoring of the same entity has the same id: a rerun replaces, it does not add. */
function predictionIds(entity: Column, { modelName, modelVersion, scoringTs }: ScoreFacts): string[] {
  const prefix = `${modelName}\n${modelVersion}\n${scoringTs}\n`
  return toStrings(entity).map((id) =>
    createHash('sha256')
      .update(prefix + id)
      .digest('hex')
      .slice(0, 32),
  )
}

const NUMBERS: readonly Column['type'][] = ['int', 'long', 'double']

/** Whether rows have the columns the model reads, of the types it was trained on. */
function checkSignature(rows: Frame, signature: readonly SignatureColumn[]): void {
  for (const { name = '', type, required = true } of signature) {
    // The model saw it and had no use for it.
    if (!required) continue
    const isText = type === 'string' || type === 'boolean'
    const column = rows.columns.get(name)
    if (column !== undefined && (isText ? column.type === type : NUMBERS.includes(column.type))) continue
    const expected = isText ? type : 'number'
    const found = column === undefined ? 'the features have no such column' : `the features give ${column.type}`
    throw new EsteiraError('ESTEIRA_SIGNATURE', `the model needs column "${name}" (${expected}); ${found}`, {
      hint: 'The feature view has changed since the model was trained: train and promote a new version, or restore the view.',
      details: { column: name, expected, found: column?.type },
    })
  }
}
