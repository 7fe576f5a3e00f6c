import { drawBins } from './draw-bins.js'
import type { ColumnDrift, ColumnSide, ColumnStatus } from './drift-report.js'
import { escapeHtml, shortHtml } from './escape-html.js'
import { formatNumber, formatShare } from './format-number.js'

/** Sign, words and tone of a status: the colour never says it alone. */
const STATUS: Readonly<Record<ColumnStatus, readonly [sign: string, words: string, tone: string]>> = {
  drift: ['▲', 'Drift', 'warning'],
  error: ['✕', 'Cannot be compared', 'critical'],
  undefined: ['?', 'No score', 'quiet'],
  insufficient_data: ['…', 'Too few rows', 'quiet'],
  ok: ['✓', 'Steady', 'none'],
  excluded: ['○', 'Not compared', 'quiet'],
}

/** One column as a card: what was found, the picture, the numbers. */
export function renderColumn(column: ColumnDrift): string {
  const [sign, words, tone] = STATUS[column.status]
  const important = column.important ? '<span class="pill critical">! Important</span>' : ''
  const newLevels =
    column.newLevels.length === 0
      ? ''
      : `<p class="soft">New levels: ${column.newLevels.map((level) => shortHtml(level, 24)).join(', ')}</p>`
  const name = escapeHtml(column.name)
  const picture = column.bins === null ? '<span></span>' : drawBins(column.bins, `${name}: reference and current`)
  return `<article class="column ${tone}"><div><h3>${name}</h3><span class="pill">${sign} ${words}</span>${important}${findings(column)}${newLevels}</div>${picture}${renderNumbers(column)}</article>`
}

/** One line per alarm; the reason of the column when there is none. */
function findings({ checks, reason }: ColumnDrift): string {
  const alarms = checks.filter(({ status }) => status === 'drift').map((check) => check.reason)
  return (alarms.length > 0 ? alarms : [reason]).map((line) => `<p>${escapeHtml(line)}</p>`).join('')
}

function renderNumbers({ reference, current }: ColumnDrift): string {
  const rows: [string, string, string][] = [
    ['rows', formatNumber(reference.rows), current === null ? '–' : formatNumber(current.rows)],
    ['nulls', nullShare(reference), current === null ? '–' : nullShare(current)],
  ]
  if (reference.invalid > 0 || (current?.invalid ?? 0) > 0) {
    rows.push(['NaN, ∞', formatNumber(reference.invalid), current === null ? '–' : formatNumber(current.invalid)])
  }
  if (reference.numbers !== null) {
    const [before, now] = [reference.numbers, current?.numbers]
    rows.push(['mean', formatNumber(before.mean), shown(now?.mean)])
    for (const [index, label] of ['5 %', '25 %', 'median', '75 %', '95 %'].entries()) {
      rows.push([label, shown(before.quantiles[index]), shown(now?.quantiles[index])])
    }
  }
  const body = rows.map(([label, before, now]) => `<tr><th>${label}<td>${before}<td>${now}`).join('')
  return `<table><thead><tr><th><th>reference<th>current<tbody>${body}</table>`
}

function nullShare({ nulls, rows }: ColumnSide): string {
  return rows === 0 ? '–' : formatShare(nulls / rows)
}

function shown(value: number | undefined): string {
  return value === undefined ? '–' : formatNumber(value)
}
