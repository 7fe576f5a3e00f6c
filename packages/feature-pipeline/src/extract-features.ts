import {
  aggregate,
  call,
  column,
  EsteiraError,
  type FeatureView,
  featureHash,
  formatTimestamp,
  type Lakehouse,
  literal,
  type ObjectStore,
  operation,
  quoteText,
  renderExpression,
  type Step,
  type StepScope,
  type TableInRun,
  tableInRun,
  tableNames,
  toRows,
} from '@esteira/core'
import { compileFeatureView, ensureFeatureVersion, type FeatureVersion } from '@esteira/lakehouse'
import { askedFeatureDates } from './feature-dates.js'

export interface ExtractOptions {
  readonly view: FeatureView
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  /** The silver table, read as it stood at the snapshot. */
  readonly silverTable: string
  readonly silverSnapshotId: string
  readonly featureDates: readonly string[]
  /** Key of the Parquet file the rows are staged in. */
  readonly stagingKey: string
  readonly createdAt: Date
  readonly signal?: AbortSignal
}

export interface ExtractResult {
  readonly stagingKey: string
  readonly version: FeatureVersion
  /** Dates that have rows; dates before the source's first event have none and are left out. */
  readonly featureDates: readonly string[]
  /** Day of the newest event before each of them. */
  readonly newestEvents: Readonly<Record<string, string>>
  readonly rowCount: number
  readonly columnCount: number
}

/**
 * Computes a feature view for the dates in one pass over silver and stages the rows as Parquet, in any order.
 * No table changes: publication is `validate_features`' work.
 *
 * @throws EsteiraError ESTEIRA_NO_DATA when no date has a row
 */
export async function extractFeatures(options: ExtractOptions): Promise<ExtractResult> {
  const { view, lakehouse } = options
  const source = await lakehouse.relation(options.silverTable, { snapshotId: options.silverSnapshotId })
  const version = await ensureFeatureVersion(options.objects, view, options.createdAt)
  const newestEvents = await newestEventsBefore(options, source)
  const featureDates = Object.keys(newestEvents)
  const select = compileFeatureView(view, { dialect: lakehouse.engine.dialect, source, featureDates })
  const stamp = formatTimestamp(BigInt(options.createdAt.getTime()) * 1000n)
  const staged = await lakehouse.writeParquet(
    options.stagingKey,
    [
      `SELECT f.*, CAST(${version.version} AS INTEGER) AS "_feature_version", ${quoteText(version.hash)} AS "_feature_hash",`,
      `TIMESTAMP ${quoteText(stamp)} AS "_created_at"`,
      `FROM (${select}) AS f`,
    ].join('\n'),
    options.signal && { signal: options.signal },
  )
  if (staged.rowCount === 0) throw noData(options)
  const columnCount = Object.keys(view.features).length + 2
  return { stagingKey: options.stagingKey, version, featureDates, newestEvents, rowCount: staged.rowCount, columnCount }
}

/** The dates that have events before them, each with the day of the newest. */
async function newestEventsBefore(options: ExtractOptions, source: string): Promise<Record<string, string>> {
  const { lakehouse, featureDates } = options
  const { dialect } = lakehouse.engine
  const days = [...new Set(featureDates)].sort()
  const newest = days.map((day, index) => {
    const before = operation(column('local_ts'), '<', literal(`${day} 00:00:00`, 'timestamp'))
    const value = call('toDate', aggregate('max', column('local_ts'), before))
    return `${renderExpression(value, dialect)} AS "d${index}"`
  })
  const sql = `SELECT ${newest.join(', ')} FROM ${source} AS s WHERE NOT "is_refund"`
  const [found = {}] = toRows(await lakehouse.engine.query(sql, options.signal && { signal: options.signal }))
  const entries = days.flatMap((day, index) => {
    const event = found[`d${index}`]
    return typeof event === 'string' ? [[day, event] as const] : []
  })
  if (entries.length === 0) throw noData(options)
  return Object.fromEntries(entries)
}

function noData({ silverTable, featureDates, view }: ExtractOptions): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_NO_DATA',
    `${view.name}: ${silverTable} has no event in the ${view.activeWithinDays} days before ${featureDates.join(', ')}`,
    {
      hint: `Ask for dates the data covers (--run-date, --feature-dates), or ingest newer data. What there is: npx esteira sql "SELECT min(local_ts), max(local_ts) FROM ${silverTable}"`,
    },
  )
}

/** Step `extract_features`: the view at the run's dates, staged. */
export const extractFeaturesStep: Step = {
  name: 'extract_features',
  description:
    'computes the feature view for the dates asked for and stages the rows; --feature-dates run-date|training|FROM..TO|DAYS',
  async plan(scope) {
    const { project } = scope.workspace
    const { table, snapshotId = null } = await silverOf(scope)
    return {
      asked: {
        view: project.definition.view.name,
        hash: featureHash(project.definition.view),
        featureDates: askedFeatureDates(scope),
      },
      read: [{ table, snapshotId }],
    }
  },
  async run(scope) {
    const { workspace, context } = scope
    const { definition } = workspace.project
    const lakehouse = await workspace.lakehouse()
    const { table: silverTable, snapshotId: silverSnapshotId } = await silverOf(scope)
    if (silverSnapshotId === undefined) {
      throw new EsteiraError('ESTEIRA_TABLE_MISSING', `${silverTable} holds no rows yet`, {
        hint: 'Run the step process_silver first.',
      })
    }
    const result = await extractFeatures({
      view: definition.view,
      lakehouse,
      objects: workspace.objects,
      silverTable,
      silverSnapshotId,
      featureDates: askedFeatureDates(scope),
      stagingKey: `staging/${context.runId}/${definition.view.name}.parquet`,
      createdAt: context.now(),
      signal: context.signal,
    })
    const dates =
      result.featureDates.length === 1 ? (result.featureDates[0] ?? '') : `${result.featureDates.length} dates`
    return {
      summary: [`${dates} · ${result.rowCount.toLocaleString('en-US')} rows · ${result.columnCount} columns`],
      wrote: { files: [result.stagingKey] },
      counts: { rows: result.rowCount, dates: result.featureDates.length, columns: result.columnCount },
      output: {
        stagingKey: result.stagingKey,
        featureVersion: result.version.version,
        featureHash: result.version.hash,
        featureDates: result.featureDates,
        newestEvents: result.newestEvents,
        silverTable,
        silverSnapshotId,
      },
    }
  },
}

function silverOf(scope: StepScope): Promise<TableInRun> {
  const { project } = scope.workspace
  return tableInRun(scope, tableNames.silver(project.name, project.definition.view.from), 'process_silver')
}
