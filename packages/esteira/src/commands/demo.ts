import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EsteiraError, type Logger } from '@esteira/core'
import { readEnvironment } from '../environment.js'
import { printDocument } from '../terminal/json-document.js'
import { formatDuration, print, style } from '../terminal/style.js'
import { generateCommand } from './generate.js'
import { type RunReport, runCommand, throwIfFailed } from './run.js'

/** Pinned, so that the demo is the same on every day. */
const RUN_DATE = '2026-01-01'
const ROWS = 200_000
const SEED = 7

/** `esteira demo`: both workflows of `projects/churn` on generated data, on this machine. */
export async function demoCommand(options: {
  readonly json: boolean
  readonly logger: Logger
  readonly signal: AbortSignal
}): Promise<void> {
  const startedAt = performance.now()
  const { home, s3 } = readEnvironment()
  if (s3 !== undefined) {
    throw new EsteiraError('ESTEIRA_UNSUPPORTED', `ESTEIRA_HOME=${home}: the demo needs a local folder`, {
      hint: 'Unset ESTEIRA_HOME, or point it to a folder: ESTEIRA_HOME=.esteira npm run demo',
    })
  }
  const project = findProject()
  const data = join(home, 'demo')
  const source = join(data, 'bookings.csv')
  if (!options.json) {
    print(style.bold(`esteira demo · ${project} · local, no cloud · run date ${RUN_DATE} · seed ${SEED}`))
  }
  if (!existsSync(source))
    await generateCommand({ project, rows: ROWS, out: data, seed: SEED, until: RUN_DATE, ...options })
  const run = async (workflow: string) => {
    const report = await runCommand({
      project,
      workflow,
      runDate: RUN_DATE,
      source,
      json: options.json,
      signal: options.signal,
    })
    throwIfFailed(report)
    return report
  }
  const training = await run('training')
  const inference = await run('inference')
  if (options.json) printDocument({ training, inference })
  else showEnd({ home, source, project, training, inference, seconds: formatDuration(performance.now() - startedAt) })
}

function findProject(): string {
  const inCheckout = resolve(fileURLToPath(import.meta.url), '../../../../../projects/churn')
  for (const folder of ['projects/churn', inCheckout]) {
    if (existsSync(join(folder, 'project.ts')))
      return folder === inCheckout ? relative(process.cwd(), inCheckout) || '.' : folder
  }
  throw new EsteiraError('ESTEIRA_PROJECT', 'the demo needs the folder projects/churn of the checkout', {
    hint: 'Run it inside a clone: npm run demo',
  })
}

interface DemoEnd {
  readonly home: string
  readonly source: string
  readonly project: string
  readonly training: RunReport
  readonly inference: RunReport
  readonly seconds: string
}

function showEnd({ home, source, project, training, inference, seconds }: DemoEnd): void {
  const here = (path: string) => {
    const near = relative(process.cwd(), path) || '.'
    return near.startsWith('..') ? path : near
  }
  const model = training.outputs.model
  const features = training.outputs.tables.find((table) => table.startsWith('feature_store.')) ?? ''
  const predictions = inference.outputs.tables.find((table) => table.startsWith('predictions.')) ?? ''
  const report = inference.outputs.files.find((file) => file.endsWith('report.html'))
  const made: [string, string, string][] = [
    ['features', features, `npx esteira tables show ${features}`],
    [
      'model',
      model === null ? 'none' : `${model.name} v${model.version}`,
      `npx esteira models history ${model?.name ?? 'churn'}`,
    ],
    [
      'predictions',
      predictions,
      `npx esteira sql "SELECT customer_id, probability FROM ${predictions} ORDER BY probability DESC LIMIT 5"`,
    ],
  ]
  const verdict = inference.outputs.drift
  if (report !== undefined)
    made.push([
      'drift',
      verdict?.verdict === 'none' ? 'none found' : `${verdict?.verdict ?? 'unknown'}`,
      `open ${here(report)}`,
    ])
  print(`\n${style.bold('What was made')}`)
  for (const [what, name, command] of made) print(`  ${what.padEnd(12)} ${name.padEnd(36)} ${command}`)
  print(
    `\n${style.bold('Look at it')}     mlflow ui --backend-store-uri sqlite:///${here(join(home, 'mlflow.db'))}   (pip install mlflow)`,
  )
  print(
    `${style.bold('Train again')}    npm run train -- --project ${project} --run-date ${RUN_DATE} --model-type logistic_regression`,
  )
  print(`${style.bold('Own data')}       npx esteira init my-project`)
  print(
    `\nDone in ${seconds}. Running it again changes nothing. The raw data are in ${here(source)}; everything else is in ${here(home)}.`,
  )
}
