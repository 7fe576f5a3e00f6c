import { nothing } from './answers.js'
import { type Batch, splitBatch, toJsonNumber } from './batches.js'
import type { Transport } from './transport.js'

/** Sends a batch of any size in parts that the server takes; doing it twice changes nothing. */
export async function sendBatch(transport: Transport, runId: string, batch: Batch, modelId?: string): Promise<void> {
  for (const part of splitBatch(batch)) {
    const metrics = part.metrics.map(({ key, value, timestampMs, step }) => ({
      key,
      value: toJsonNumber(value),
      timestamp: timestampMs,
      step,
      ...(modelId === undefined ? {} : { model_id: modelId }),
    }))
    const json = { run_id: runId, metrics, params: part.params, tags: part.tags }
    await transport.call(nothing, { method: 'POST', path: '/api/2.0/mlflow/runs/log-batch', json })
  }
}
