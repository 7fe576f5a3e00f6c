import { EsteiraError, featureDateOf, type ModelVersion, type Step, type StepScope } from '@esteira/core'
import { resolveModel } from '@esteira/mlflow'
import { z } from 'zod'
import { type PublishedFeatures, scoreModel } from './score-model.js'

const published = z.object({
  featureTable: z.string(),
  featureSnapshotId: z.string(),
  featureVersion: z.number(),
  silverTable: z.string(),
  silverSnapshotId: z.string(),
})

async function featuresOf({ resultOf }: StepScope): Promise<PublishedFeatures> {
  return published.parse((await resultOf('validate_features')).output)
}

const resolved = new WeakMap<StepScope, Promise<ModelVersion>>()

/** Resolved once, at the start of the step: what is promoted while it scores waits for the next run. */
function versionOf(scope: StepScope): Promise<ModelVersion> {
  const known = resolved.get(scope) ?? findVersion(scope)
  resolved.set(scope, known)
  return known
}

/** The version that is live for this environment, or the one `--model` names. */
async function findVersion({ workspace, options }: StepScope): Promise<ModelVersion> {
  const { project, environment } = workspace
  const { registry } = await workspace.mlflow()
  const reference = options['model'] ?? `${project.definition.modelName ?? project.name}@${environment.stage}`
  try {
    return await resolveModel(registry, reference)
  } catch (error) {
    if (!(error instanceof EsteiraError) || error.code !== 'ESTEIRA_MODEL_MISSING') throw error
    throw new EsteiraError('ESTEIRA_MODEL_MISSING', error.message, {
      hint: `${error.hint ?? ''}\nTrain and promote a version first: npx esteira run training --project ${project.folder}`.trim(),
      cause: error,
    })
  }
}

/** Step `score_model`: the at-risk customers of the run date, scored with the live version. */
export const scoreModelStep: Step = {
  name: 'score_model',
  description:
    'scores the at-risk customers of the run date with the live model version; --model NAME@ALIAS|NAME/VERSION',
  async plan(scope) {
    const { name, version } = await versionOf(scope)
    return {
      asked: { model: name, version, features: await featuresOf(scope), runDate: scope.context.runDate.toISOString() },
      read: [],
    }
  },
  async run(scope) {
    const { workspace, context } = scope
    const version = await versionOf(scope)
    const features = await featuresOf(scope)
    // An attempt that was cut short after its commit leaves no result: the next one has the same name and commits nothing.
    const attempt = (await scope.findResult('score_model'))?.startedAt ?? 'first'
    const result = await scoreModel({ workspace, context, version, features, attempt })
    const rows = result.rowsScored.toLocaleString('en-US')
    const share = ((100 * result.positives) / result.rowsScored).toFixed(1)
    return {
      summary: [
        `${rows} customers, one prediction each, model ${version.name} v${version.version} · ${share} % predicted positive`,
      ],
      wrote: { tables: [{ table: result.table, snapshotId: result.snapshotId }], files: [result.outputKey] },
      counts: { rows: result.rowsScored, rowsReplaced: result.rowsReplaced, positives: result.positives },
      output: {
        predictionsTable: result.table,
        predictionsKey: result.outputKey,
        modelName: version.name,
        modelVersion: version.version,
        featureDate: featureDateOf(context),
        ...features,
      },
    }
  },
}
