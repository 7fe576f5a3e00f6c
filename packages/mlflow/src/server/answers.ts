import { MODEL_STAGES, type ModelVersion, type Run } from '@esteira/core'
import { z } from 'zod'
import type { TimedMetric } from '../limits.js'

/** A server leaves out what is empty. */
const keyValues = z.array(z.object({ key: z.string(), value: z.string().default('') })).default([])
const metric = z.object({
  key: z.string(),
  value: z
    .union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])
    .transform(Number)
    .default(0),
  timestamp: z.coerce.number().default(0),
  step: z.coerce.number().default(0),
})

export const nothing = z.unknown()

export const experimentAnswer = z.object({
  experiment: z.object({ experiment_id: z.string(), name: z.string(), lifecycle_stage: z.string() }),
})

export const runSchema = z.object({
  info: z.object({
    run_id: z.string(),
    experiment_id: z.string(),
    run_name: z.string().default(''),
    status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
    artifact_uri: z.string(),
  }),
  data: z.object({ metrics: z.array(metric).default([]), params: keyValues, tags: keyValues }).prefault({}),
  outputs: z.object({ model_outputs: z.array(z.object({ model_id: z.string() })).default([]) }).prefault({}),
})
export type RunAnswer = z.infer<typeof runSchema>
export const runAnswer = z.object({ run: runSchema })
export const runsAnswer = z.object({ runs: z.array(runSchema).default([]), next_page_token: z.string().optional() })

const loggedModelSchema = z.object({
  info: z.object({ model_id: z.string(), artifact_uri: z.string(), status: z.union([z.string(), z.number()]) }),
  data: z.object({ params: keyValues }).prefault({}),
})
export const loggedModelAnswer = z.object({ model: loggedModelSchema })
export const loggedModelsAnswer = z.object({ models: z.array(loggedModelSchema).default([]) })

export const versionSchema = z.object({
  name: z.string(),
  version: z.coerce.number(),
  creation_timestamp: z.coerce.number().default(0),
  current_stage: z.string().default('None'),
  description: z.string().default(''),
  source: z.string().default(''),
  run_id: z.string().default(''),
  tags: keyValues,
  aliases: z.array(z.string()).default([]),
})
export type VersionAnswer = z.infer<typeof versionSchema>
export const versionAnswer = z.object({ model_version: versionSchema })
export const versionsAnswer = z.object({
  model_versions: z.array(versionSchema).default([]),
  next_page_token: z.string().optional(),
})

export const registeredModelSchema = z.object({
  name: z.string(),
  tags: keyValues,
  aliases: z.array(z.object({ alias: z.string(), version: z.coerce.number() })).default([]),
})
export const registeredModelAnswer = z.object({ registered_model: registeredModelSchema })
export const registeredModelsAnswer = z.object({
  registered_models: z.array(registeredModelSchema).default([]),
  next_page_token: z.string().optional(),
})

export const filesAnswer = z.object({
  files: z
    .array(z.object({ path: z.string(), is_dir: z.boolean().default(false), file_size: z.coerce.number().optional() }))
    .default([]),
})

export function toRun({ info, data }: RunAnswer): Run {
  return {
    runId: info.run_id,
    experimentId: info.experiment_id,
    name: info.run_name,
    status: info.status,
    artifactUri: info.artifact_uri,
    params: toRecord(data.params),
    metrics: Object.fromEntries(data.metrics.map(({ key, value }) => [key, value])),
    tags: toRecord(data.tags),
  }
}

/** The last value of each metric, with its time. */
export function toTimedMetrics({ data }: RunAnswer): TimedMetric[] {
  return data.metrics.map(({ key, value, timestamp, step }) => ({ key, value, timestampMs: timestamp, step }))
}

export function toModelVersion(answer: VersionAnswer): ModelVersion {
  return {
    name: answer.name,
    version: answer.version,
    stage: MODEL_STAGES.find((stage) => stage === answer.current_stage) ?? 'None',
    aliases: [...answer.aliases].sort(),
    ...(answer.run_id === '' ? {} : { runId: answer.run_id }),
    source: answer.source,
    ...(answer.description === '' ? {} : { description: answer.description }),
    tags: toRecord(answer.tags),
    createdAt: new Date(answer.creation_timestamp),
  }
}

function toRecord(pairs: readonly { readonly key: string; readonly value: string }[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
}
