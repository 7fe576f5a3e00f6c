import { open, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import {
  columnOf,
  EsteiraError,
  type Frame,
  hashFile,
  type Lakehouse,
  nearest,
  type ObjectStore,
  quoteText,
  takeRows,
  toStrings,
} from '@esteira/core'
import { chooseFeatures } from './choose-features.js'
import { type LabelOptions, POSITIVES, readLabels } from './read-labels.js'
import { type Parts, partsByDate, purgedSplit, stratifiedParts } from './split.js'
import { storeQuery } from './store-query.js'
import type { TrainingSet } from './training-set.js'

/** Where rows come from: a file, or a query over the lakehouse. */
export type TableSource =
  /** Parquet or CSV. */
  | { readonly path: string }
  /** A SELECT in Athena's dialect; its rows are kept under their digest. */
  | { readonly query: string; readonly objects: ObjectStore; readonly scratchKey: string }

export interface ReadTableOptions extends LabelOptions {
  readonly lakehouse: Lakehouse
  readonly from: TableSource
  /** Purge of the split where the table has a `feature_date`; 0 when labels are known at once. */
  readonly horizonDays: number
  /** Column that names the entity, where there is one: no feature, and what the validating share is drawn by. */
  readonly entity?: string
  /** Days since the last event, for the recency baseline, where the table has the column. */
  readonly recency?: string
  readonly seed: number
  readonly signal?: AbortSignal
}

/**
 * Any ready table as a training set: numbers stored as text become numbers (blanks null), identifiers, near-unique texts, dates
 * and columns of Esteira's own are left out with a reason. Split by time where there is a `feature_date`, else stratified.
 *
 * @throws EsteiraError ESTEIRA_SOURCE_MISSING, ESTEIRA_SOURCE_FORMAT, ESTEIRA_SOURCE_EMPTY, ESTEIRA_SOURCE_TYPE,
 * ESTEIRA_COLUMN_MISSING, ESTEIRA_TARGET, ESTEIRA_NO_DATA, ESTEIRA_SQL
 */
export async function readTable(options: ReadTableOptions): Promise<TrainingSet> {
  const { target, entity, recency } = options
  const { frame: raw, name, digest, origin } = await load(options)
  if (raw.rowCount === 0) throw new EsteiraError('ESTEIRA_SOURCE_EMPTY', `${name} has no rows`)
  checkTarget([...raw.columns.keys()], name, target)
  const { frame, notes } = rowsWithTarget(raw, target)
  const labels = readLabels(columnOf(frame, target), options)
  const chosen = chooseFeatures(frame, { target, ...(entity !== undefined && { entity }) })
  const named = entity === undefined ? undefined : frame.columns.get(entity)
  const entities = named === undefined ? Array.from(labels.keys(), String) : toStrings(named).map((text) => text ?? '')
  const { parts, testDate, note } = split(labels, { ...options, dates: chosen.dates ?? [], entities })
  return {
    name,
    features: chosen.features,
    labels,
    labelName: target,
    parts,
    digest,
    notes: [...notes, ...chosen.notes, note],
    ...(testDate !== undefined && { testDate }),
    ...(recency !== undefined && chosen.features.columns.has(recency) && { recency }),
    origin: { ...origin, target, positive: options.positive ?? POSITIVES.join(', ') },
  }
}

interface LoadedRows {
  readonly frame: Frame
  readonly name: string
  readonly digest: string
  readonly origin: Readonly<Record<string, unknown>>
}

async function load({ lakehouse, from, signal }: ReadTableOptions): Promise<LoadedRows> {
  if ('path' in from) return loadFile(lakehouse, from.path)
  const { digest, dataKey, tables } = await storeQuery({ ...from, lakehouse, ...(signal && { signal }) })
  const frame = await lakehouse.engine.query(`SELECT * FROM ${await lakehouse.parquet(dataKey)} AS t`)
  return { frame, name: tables[0]?.table ?? 'the query', digest, origin: { query: from.query, tables } }
}

async function loadFile(lakehouse: Lakehouse, path: string): Promise<LoadedRows> {
  const name = basename(path)
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true)
    throw new EsteiraError('ESTEIRA_SOURCE_MISSING', `--features-path: no file at ${path}`, { details: { path } })
  const isParquet = extname(path).toLowerCase() === '.parquet'
  const relation = isParquet ? `read_parquet(${quoteText(path)})` : await csvRelation(path)
  const frame = await lakehouse.engine.query(`SELECT * FROM ${relation} AS t`).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new EsteiraError(
      'ESTEIRA_SOURCE_FORMAT',
      `${name} cannot be read as ${isParquet ? 'Parquet' : 'CSV'}: ${reason}`,
      { hint: 'Give a Parquet file (.parquet) or a CSV file with a header.', details: { path }, cause },
    )
  })
  return { frame, name, digest: await hashFile(path), origin: { file: name } }
}

/** Every column as text, nothing guessed but the delimiter, which the header shows. */
async function csvRelation(path: string): Promise<string> {
  const header = await firstLine(path)
  const delimiter = [',', ';', '\t', '|'].reduce((best, next) =>
    header.split(next).length > header.split(best).length ? next : best,
  )
  const names = splitHeader(header, delimiter)
  const columns = names.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ')
  const options = `auto_detect = false, header = true, delim = ${quoteText(delimiter)}, quote = '"', escape = '"'`
  return `read_csv(${quoteText(path)}, ${options}, columns = {${columns}})`
}

async function firstLine(path: string): Promise<string> {
  const file = await open(path)
  try {
    for await (const line of file.readLines({ autoClose: false })) return line.replace(/^\uFEFF/, '')
    return ''
  } finally {
    await file.close()
  }
}

function splitHeader(header: string, delimiter: string): string[] {
  const names: string[] = []
  let isQuoted = false
  let name = ''
  for (const character of header) {
    if (character === '"') isQuoted = !isQuoted
    else if (character === delimiter && !isQuoted) {
      names.push(name.trim())
      name = ''
    } else name += character
  }
  return [...names, name.trim()]
}

function checkTarget(names: readonly string[], of: string, target: string): void {
  if (names.includes(target)) return
  const near = nearest(target, names)
  throw new EsteiraError(
    'ESTEIRA_COLUMN_MISSING',
    `${of} has no target column "${target}"; it has ${names.join(', ')}`,
    { hint: near === undefined ? 'Name one of its columns with --target.' : `Did you mean --target ${near}?` },
  )
}

function rowsWithTarget(frame: Frame, target: string): { readonly frame: Frame; readonly notes: readonly string[] } {
  const texts = toStrings(columnOf(frame, target))
  const rows = [...texts.keys()].filter((row) => (texts[row] ?? '').trim() !== '')
  if (rows.length === frame.rowCount) return { frame, notes: [] }
  const notes = [`${frame.rowCount - rows.length} rows without a ${target} are left out`]
  return { frame: takeRows(frame, rows), notes }
}

/** A stratified split needs one row of each class in each of its five fifths. */
const LEAST_OF_A_CLASS = 5

function split(
  labels: Uint8Array,
  rows: Pick<ReadTableOptions, 'target' | 'horizonDays' | 'seed'> & {
    readonly dates: readonly string[]
    readonly entities: readonly string[]
  },
): { readonly parts: Parts; readonly testDate?: string; readonly note: string } {
  const { dates, entities, horizonDays } = rows
  if (new Set(dates).size > 1) {
    const purged = purgedSplit(dates, horizonDays)
    const note = `split by feature_date, test ${purged.test}, purged by ${horizonDays} days`
    return {
      parts: partsByDate(purged, { dates, entities }),
      testDate: purged.test,
      note: purged.note === undefined ? note : `${note}; ${purged.note}`,
    }
  }
  const positives = labels.reduce((total, label) => total + label, 0)
  const rarer = Math.min(positives, labels.length - positives)
  if (rarer < LEAST_OF_A_CLASS)
    throw new EsteiraError(
      'ESTEIRA_TARGET',
      `target "${rows.target}" has ${rarer} rows of its rarer class; a split needs ${LEAST_OF_A_CLASS} or more`,
      { hint: 'Give more rows.', details: { positives, rows: labels.length } },
    )
  return {
    parts: stratifiedParts(labels, rows.seed),
    note: `${dates.length === 0 ? 'no time column' : 'one feature_date'}: stratified split, 60 % train, 20 % validation, 20 % test`,
  }
}
