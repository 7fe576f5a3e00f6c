import { randomUUID } from 'node:crypto'
import { addDays, EsteiraError, tableNames } from '@esteira/core'
import {
  BACKFILL_STEPS,
  type BackfillProgress,
  type BackfillStep,
  backfillDates,
  backfillFeatures,
} from '@esteira/feature-pipeline'
import { readEnvironment } from '../environment.js'
import { openDrivers } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style } from '../terminal/style.js'

export interface BackfillFlags {
  readonly project: string
  readonly from: string
  readonly to: string
  readonly every: string
  readonly chunk: number
  readonly replace?: boolean
  readonly json: boolean
  readonly signal: AbortSignal
}

/** `esteira features backfill`: publishes the features of past dates; again, it goes on where it ended. */
export async function backfillCommand(flags: BackfillFlags): Promise<void> {
  const dates = backfillDates(day('--from', flags.from), day('--to', flags.to), stepOf(flags.every))
  const workspace = await openDrivers(flags.project, { environment: readEnvironment() })
  try {
    const { name, folder, definition } = workspace.project
    const lakehouse = await workspace.lakehouse()
    const silverTable = tableNames.silver(name, definition.view.from)
    const silverSnapshotId = (await lakehouse.table(silverTable))?.snapshotId
    if (silverSnapshotId === undefined) {
      throw new EsteiraError(
        'ESTEIRA_TABLE_MISSING',
        `${silverTable} holds no rows: there is nothing to make features of`,
        {
          hint: `Run a workflow up to process_silver first: npx esteira run training --project ${folder}`,
        },
      )
    }
    const result = await backfillFeatures({
      view: definition.view,
      lakehouse,
      objects: workspace.objects,
      silverTable,
      silverSnapshotId,
      featureDates: dates,
      chunk: flags.chunk,
      replace: flags.replace === true,
      references: { project: name, snapshots: {} },
      runId: `backfill-${randomUUID().slice(0, 8)}`,
      now: () => new Date(),
      onProgress: (progress) => process.stderr.write(`${progressLine(progress)}\n`),
      signal: flags.signal,
    })
    const { version, published, thereAlready, withoutEvents, rows } = result
    const table = tableNames.features(definition.view)
    if (flags.json) {
      printDocument({ table, version: version.version, published, thereAlready, withoutEvents, rows })
      return
    }
    const counts = [
      `${published.length} dates published, ${rows.toLocaleString('en-US')} rows`,
      ...(thereAlready.length === 0 ? [] : [`${thereAlready.length} were there already`]),
      ...(withoutEvents.length === 0 ? [] : [`${withoutEvents.length} have no events before them`]),
    ]
    print(`${table} version ${version.version}: ${counts.join(' · ')}`)
  } finally {
    await workspace.close()
  }
}

function progressLine({ featureDate, outcome, rows, done, total }: BackfillProgress): string {
  const what = outcome === 'published' ? `${rows.toLocaleString('en-US')} rows` : outcome
  return style.dim(`${String(done).padStart(String(total).length)}/${total}  ${featureDate}  ${what}`)
}

function day(flag: string, text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && addDays(text, 0) === text) return text
  throw new EsteiraError('ESTEIRA_USAGE', `${flag}: expected a day YYYY-MM-DD, found ${JSON.stringify(text)}`)
}

function stepOf(text: string): BackfillStep {
  const found = BACKFILL_STEPS.find((step) => step === text)
  if (found !== undefined) return found
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `--every: expected ${BACKFILL_STEPS.join(', ')}, found ${JSON.stringify(text)}`,
  )
}
