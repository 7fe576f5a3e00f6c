import { stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import {
  type Column,
  columnOf,
  EsteiraError,
  exampleValues,
  type Frame,
  hashFile,
  isNull,
  type Lakehouse,
  nearest,
  quoteText,
  takeRows,
  toStrings,
} from '@esteira/core'
import { type Parts, partsByDate, purgedSplit, stratifiedParts } from './split.js'
import type { TrainingSet } from './training-set.js'

export interface ReadTableOptions {
  readonly lakehouse: Lakehouse
  /** Parquet or CSV. */
  readonly path: string
  readonly target: string
  /** Value of the target that counts as 1. Default: 1, true or yes, in any case. */
  readonly positive?: string
  /** Purge of the split where the table has a `feature_date`; 0 when labels are known at once. */
  readonly horizonDays: number
  readonly seed: number
}

const POSITIVES = ['1', '1.0', 'true', 'yes']

/**
 * Any ready table as a training set: numbers stored as text become numbers (blanks null), identifiers, near-unique texts, dates
 * and columns of Esteira's own are left out with a reason. Split by time where there is a `feature_date`, else stratified.
 *
 * @throws EsteiraError ESTEIRA_SOURCE_MISSING, ESTEIRA_SOURCE_FORMAT, ESTEIRA_COLUMN_MISSING, ESTEIRA_TARGET
 */
export async function readTable(options: ReadTableOptions): Promise<TrainingSet> {
  const { path, target } = options
  const raw = await loadFile(options)
  const all = [...raw.columns.keys()]
  if (!all.includes(target)) {
    const near = nearest(target, all)
    throw new EsteiraError(
      'ESTEIRA_COLUMN_MISSING',
      `${basename(path)} has no target column "${target}"; it has ${all.join(', ')}`,
      {
        hint: near === undefined ? 'Name one of its columns with --target.' : `Did you mean --target ${near}?`,
      },
    )
  }
  const notes: string[] = []
  const known = rowsWithTarget(raw, target, notes)
  const labels = readLabels(columnOf(known, target), options)
  const { features, dates } = chooseFeatures(known, target, notes)
  const entities = Array.from(labels.keys(), String)
  return {
    features,
    labels,
    labelName: target,
    parts: split(labels, dates, entities, options, notes),
    digest: await hashFile(path),
    notes,
    origin: { file: basename(path), target, positive: options.positive ?? POSITIVES.join(', ') },
  }
}

async function loadFile({ lakehouse, path }: ReadTableOptions): Promise<Frame> {
  await stat(path).catch((cause: unknown) => {
    throw new EsteiraError('ESTEIRA_SOURCE_MISSING', `--features-path: no file at ${path}`, { cause })
  })
  const isParquet = extname(path).toLowerCase() === '.parquet'
  const relation = isParquet
    ? `read_parquet(${quoteText(path)})`
    : `read_csv(${quoteText(path)}, all_varchar = true, header = true)`
  const frame = await lakehouse.engine.query(`SELECT * FROM ${relation} AS t`).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new EsteiraError(
      'ESTEIRA_SOURCE_FORMAT',
      `${basename(path)} cannot be read as ${isParquet ? 'Parquet' : 'CSV'}: ${reason}`,
      {
        hint: 'Give a Parquet file (.parquet) or a CSV file with a header.',
        cause,
      },
    )
  })
  if (frame.rowCount === 0) throw new EsteiraError('ESTEIRA_SOURCE_EMPTY', `${basename(path)} has no rows`)
  return frame
}

function rowsWithTarget(frame: Frame, target: string, notes: string[]): Frame {
  const texts = toStrings(columnOf(frame, target))
  const rows = [...texts.keys()].filter((row) => (texts[row] ?? '').trim() !== '')
  if (rows.length < frame.rowCount) notes.push(`${frame.rowCount - rows.length} rows without a ${target} are left out`)
  return rows.length === frame.rowCount ? frame : takeRows(frame, rows)
}

function readLabels(column: Column, { target, positive }: ReadTableOptions): Uint8Array {
  const texts = toStrings(column).map((text) => (text ?? '').trim())
  const values = [...new Set(texts)].sort()
  const isPositive = (text: string) =>
    positive === undefined
      ? POSITIVES.includes(text.toLowerCase())
      : text === positive || text.toLowerCase() === positive.toLowerCase()
  const labels = Uint8Array.from(texts, (text) => (isPositive(text) ? 1 : 0))
  const positives = labels.reduce((total, label) => total + label, 0)
  if (positives > 0 && positives < labels.length) return labels
  const counted = positives === 0 ? `no row is positive (${positive ?? POSITIVES.join(', ')})` : 'every row is positive'
  throw new EsteiraError(
    'ESTEIRA_TARGET',
    `target "${target}" has one class: ${counted}; its values are ${exampleValues(values)}`,
    {
      hint:
        values.length > 1
          ? 'Say which value counts as 1: --positive VALUE.'
          : 'A classifier needs rows of both classes.',
      details: { target, values: values.slice(0, 5) },
    },
  )
}

function chooseFeatures(
  frame: Frame,
  target: string,
  notes: string[],
): { features: Frame; dates: readonly string[] | undefined } {
  const columns = new Map<string, Column>()
  let dates: readonly string[] | undefined
  for (const [name, raw] of frame.columns) {
    if (name === target) continue
    const column = textAsNumbers(raw, name, notes)
    const reason = reasonToLeaveOut(name, column)
    if (name === 'feature_date') dates = toStrings(raw).map((text) => (text ?? '').slice(0, 10))
    if (reason === undefined) columns.set(name, column)
    else notes.push(`${name} is left out: ${reason}`)
  }
  if (columns.size > 0) return { features: { rowCount: frame.rowCount, columns }, dates }
  throw new EsteiraError('ESTEIRA_TARGET', `no column is left to predict "${target}" from`, { details: { notes } })
}

/** Text whose every non-blank value is a number becomes numbers; blanks are null. */
function textAsNumbers(column: Column, name: string, notes: string[]): Column {
  if (column.type !== 'string') return column
  const values = new Float64Array(column.values.length)
  const nulls = new Uint8Array(values.length)
  let blanks = 0
  for (const [row, text] of column.values.entries()) {
    const trimmed = isNull(column, row) ? '' : text.trim()
    if (trimmed === '') {
      nulls[row] = 1
      blanks++
      continue
    }
    const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed) ? Number(trimmed) : Number.NaN
    if (Number.isNaN(value)) return column
    values[row] = value
  }
  if (blanks === values.length) return column
  if (blanks > 0) notes.push(`${name}: numbers stored as text, ${blanks} blanks became nulls`)
  return { type: 'double', values, ...(blanks > 0 && { nulls }) }
}

const NEAR_UNIQUE = 0.5
const ID_NAME = /(^|_|[a-z])(id|uuid|guid|key)$/i

function reasonToLeaveOut(name: string, column: Column): string | undefined {
  if (name.startsWith('_')) return 'a column of the table itself, no feature'
  if (column.type === 'date' || column.type === 'timestamp')
    return name === 'feature_date' ? 'it splits the rows by time' : 'a date is no feature'
  const rows = column.values.length
  if (rows < 20 || column.type === 'boolean') return undefined
  const distinct = new Set<unknown>(column.values).size
  if (column.type === 'string') {
    if (distinct > NEAR_UNIQUE * rows) return `near-unique text (${distinct} values in ${rows} rows), an identifier`
    return undefined
  }
  if (distinct === rows && (ID_NAME.test(name) || isSequence(column.values)))
    return 'a different number in every row, an identifier'
  return undefined
}

function isSequence(values: ArrayLike<number | bigint>): boolean {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let row = 0; row < values.length; row++) {
    const value = Number(values[row])
    if (!Number.isInteger(value)) return false
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return high - low === values.length - 1
}

function split(
  labels: Uint8Array,
  dates: readonly string[] | undefined,
  entities: readonly string[],
  { horizonDays, seed }: ReadTableOptions,
  notes: string[],
): Parts {
  if (dates !== undefined && new Set(dates).size > 1) {
    const purged = purgedSplit(dates, horizonDays)
    notes.push(
      `split by feature_date, test ${purged.test}, purged by ${horizonDays} days${purged.note === undefined ? '' : `; ${purged.note}`}`,
    )
    return partsByDate(purged, { dates, entities })
  }
  notes.push('no time column: stratified split, 60 % train, 20 % validation, 20 % test')
  return stratifiedParts(labels, seed)
}
