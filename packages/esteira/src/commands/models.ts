import { EsteiraError, type ModelRegistry, type ModelVersion } from '@esteira/core'
import { promote, promotions, promotionTarget, rollback } from '@esteira/training-pipeline'
import { readEnvironment } from '../environment.js'
import { openMlflow } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style, table } from '../terminal/style.js'

async function withRegistry<T>(use: (registry: ModelRegistry) => Promise<T>): Promise<T> {
  const mlflow = await openMlflow(readEnvironment())
  try {
    return await use(mlflow.registry)
  } finally {
    await mlflow.close()
  }
}

const describe = (version: ModelVersion) => ({
  name: version.name,
  version: version.version,
  stage: version.stage,
  aliases: version.aliases,
  modelType: version.tags['model_type'] ?? null,
  gates: version.tags['esteira.gates'] ?? null,
  runId: version.runId ?? null,
  createdAt: version.createdAt.toISOString(),
})

/** `esteira models list` */
export async function listModels({ json }: { readonly json: boolean }): Promise<void> {
  const versions = await withRegistry(async (registry) => {
    const names = await registry.modelNames()
    return (await Promise.all(names.map((name) => registry.versions(name)))).flat().map(describe)
  })
  if (json) printDocument(versions)
  else if (versions.length === 0) print('No model is registered yet. Run a training first: npm run demo')
  else {
    const rows = versions.map((v) => [
      v.name,
      v.version,
      v.stage,
      v.aliases.join(', '),
      v.modelType,
      v.gates,
      v.createdAt,
    ])
    for (const line of table(['model', 'version', 'stage', 'aliases', 'type', 'gates', 'created'], rows)) print(line)
  }
}

/** `esteira models history NAME` */
export async function modelHistory({ name, json }: { readonly name: string; readonly json: boolean }): Promise<void> {
  const versions = await withRegistry((registry) => registry.versions(name))
  if (versions.length === 0) throw noModel(name)
  const history = promotions(versions)
  if (json) {
    printDocument({ name, versions: versions.map(describe), promotions: history })
    return
  }
  const rows = versions
    .map(describe)
    .map((v) => [v.version, v.stage, v.aliases.join(', '), v.modelType, v.gates, v.createdAt, v.runId])
  for (const line of table(['version', 'stage', 'aliases', 'type', 'gates', 'created', 'MLflow run'], rows)) print(line)
  if (history.length > 0) {
    print(`\n${style.bold('Promotions, newest first')}`)
    for (const { version, alias, at, from } of history)
      print(`  ${at}  v${version} → ${alias}  (was: ${from === 'none' ? 'none' : `v${from}`})`)
  }
}

/** `esteira models promote NAME VERSION` */
export async function promoteModel({
  name,
  version,
  json,
}: {
  readonly name: string
  readonly version: string
  readonly json: boolean
}): Promise<void> {
  const number = Number(version.replace(/^v/, ''))
  if (!Number.isInteger(number) || number < 1) {
    throw new EsteiraError('ESTEIRA_USAGE', `version: expected a number such as 3, found ${JSON.stringify(version)}`)
  }
  const target = promotionTarget(readEnvironment().stage)
  const { promotion, tags } = await withRegistry(async (registry) => ({
    promotion: await promote(registry, { name, version: number, target, now: new Date() }),
    tags: (await registry.getVersion(name, number))?.tags ?? {},
  }))
  for (const warning of warningsOf(tags)) process.stderr.write(`! ${name} v${number} ${warning}\n`)
  if (json) printDocument(promotion)
  else if (!promotion.changed) print(`${name} v${number} is ${target.alias} already; nothing changed`)
  else
    print(
      `${name} v${number} is ${target.alias} (was: ${promotion.from === undefined ? 'none' : `v${promotion.from}`})`,
    )
}

/** What a person should know who promotes by hand: no gate stood in the way. */
function warningsOf(tags: Readonly<Record<string, string>>): string[] {
  return [
    ...(tags['esteira.gates'] === 'failed' ? ['failed gates when it was trained'] : []),
    ...(tags['feature_version'] === undefined
      ? ["was trained from a file: the project's inference cannot score it unless the columns are the same"]
      : []),
  ]
}

/** `esteira models rollback NAME` */
export async function rollbackModel({ name, json }: { readonly name: string; readonly json: boolean }): Promise<void> {
  const target = promotionTarget(readEnvironment().stage)
  const promotion = await withRegistry((registry) => rollback(registry, { name, target, now: new Date() }))
  if (json) printDocument(promotion)
  else print(`${name} v${promotion.version} is ${target.alias} again (was: v${promotion.from})`)
}

function noModel(name: string): EsteiraError {
  return new EsteiraError('ESTEIRA_MODEL_MISSING', `no model ${name} is registered`, {
    hint: 'See what there is: npx esteira models list',
  })
}
