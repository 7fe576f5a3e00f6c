import type { ColumnDrift, ColumnStatus, DriftReport } from './drift-report.js'
import { escapeHtml } from './escape-html.js'
import { formatNumber, formatShare } from './format-number.js'
import type { MonitoringSource } from './monitoring-document.js'
import { renderColumn } from './render-column.js'
import { REPORT_STYLE } from './report-style.js'

/**
 * The report as one HTML page that needs nothing else: no script, no font, no address. At most 150 KB and 5 KB a column.
 *
 * @example
 * await store.put('monitoring.html', renderDriftReport(report, { modelName: 'churn', modelVersion: 3, runId, runDate }))
 */
export function renderDriftReport(report: DriftReport, source: MonitoringSource): string {
  const title = `Drift of ${escapeHtml(source.modelName)} version ${source.modelVersion}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${REPORT_STYLE}</style></head>
<body><main>
<h1>${title} · ${formatDate(source.runDate)} · run ${escapeHtml(source.runId)}</h1>
${renderVerdict(report)}
${renderTiles(report)}
${renderSections(report)}
${renderDefinitions(report)}
</main></body></html>
`
}

function renderVerdict(report: DriftReport): string {
  const { headline, advice, tone } = verdictText(report)
  const reasons = report.reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join('')
  return `<section class="verdict ${tone}"><strong>${headline}</strong><p>${advice}</p><ul>${reasons}</ul></section>`
}

interface VerdictText {
  readonly headline: string
  readonly advice: string
  readonly tone: string
}

function verdictText({ verdict, judgedColumns, policy }: DriftReport): VerdictText {
  switch (verdict) {
    case 'critical':
      return {
        headline: '▲ Critical drift',
        advice:
          'The model sees data unlike what it was judged on. Check where the columns below come from before using these predictions; if the change is real, train again on recent data.',
        tone: 'critical',
      }
    case 'warning':
      return {
        headline: '▲ Some drift',
        advice:
          'Predictions can be used. Find out why the columns below changed: a fault at the source is mended there; a change that stays is a reason to train again.',
        tone: 'warning',
      }
    case 'none':
      return judgedColumns > 0
        ? {
            headline: '✓ No drift',
            advice: 'Nothing to do: the data looks like what the model was judged on.',
            tone: 'none',
          }
        : {
            headline: '… Not judged',
            advice: `Nothing could be compared. A column is judged from ${policy.minRows} usable rows on both sides.`,
            tone: 'quiet',
          }
  }
}

function renderTiles(report: DriftReport): string {
  const share = report.driftedShare === null ? '–' : formatShare(report.driftedShare)
  const tiles: [string, string][] = [
    [`${report.driftedColumns} of ${report.judgedColumns}`, 'judged columns drifted'],
    [share, `drifted, critical from ${formatShare(report.policy.share)}`],
    [formatNumber(report.currentRows), 'rows now'],
    [formatNumber(report.referenceRows), 'rows in the reference'],
  ]
  return `<div class="tiles">${tiles.map(([value, label]) => `<div><b>${value}</b><small>${label}</small></div>`).join('')}</div>`
}

function renderSections({ columns, predictions, unexpectedColumns }: DriftReport): string {
  const withStatus = (...statuses: readonly ColumnStatus[]) => columns.filter(({ status }) => statuses.includes(status))
  const excluded = withStatus('excluded')
  const unexpected = unexpectedColumns.map((name) => `<p><b>${escapeHtml(name)}</b>: not in the reference</p>`)
  return [
    '<h2>Reference and current</h2><div class="legend"><span><i class="a"></i>reference: the rows the model was judged on</span><span><i class="b"></i>current: this batch</span><span>bars set apart at the ends: values beyond the axis</span></div>',
    renderCards('Model output', predictions),
    renderCards('Drifted', withStatus('drift')),
    renderCards('Cannot be compared', withStatus('error', 'undefined')),
    renderCards('Too few rows', withStatus('insufficient_data')),
    renderCards('Steady', withStatus('ok')),
    renderList('Not compared', [
      ...excluded.map(({ name, reason }) => `<p><b>${escapeHtml(name)}</b>: ${escapeHtml(reason)}</p>`),
      ...unexpected,
    ]),
  ].join('')
}

function renderCards(heading: string, columns: readonly ColumnDrift[]): string {
  if (columns.length === 0) return ''
  return `<h2>${heading} <span class="soft">${columns.length}</span></h2>\n${columns.map(renderColumn).join('\n')}`
}

function renderList(heading: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `<h2>${heading} <span class="soft">${lines.length}</span></h2><div class="list">${lines.join('')}</div>`
}

function renderDefinitions({ policy }: DriftReport): string {
  const number = formatNumber
  const entries: [string, string][] = [
    [
      'Drift',
      `The score reaches its limit, the p-value adjusted over the columns of one kind (Benjamini-Hochberg) is at most ${number(policy.pValue)}, and both sides have ${policy.minRows} usable rows or more.`,
    ],
    [
      'Numbers',
      `First Wasserstein distance in standard deviations of the reference, limit ${number(policy.numericThreshold)}; p-value of the two-sample Kolmogorov-Smirnov test.`,
    ],
    [
      'Levels',
      `Jensen-Shannon distance, base 2, over the 50 most frequent levels and the rest, limit ${number(policy.categoricalThreshold)}; p-value of the chi-square test of a 2×k table.`,
    ],
    [
      'One value only',
      `A reference of one value has no spread: the share of rows that differ, limit ${formatShare(policy.constantThreshold)}.`,
    ],
    ['Nulls, NaN, ∞', `Change of their share, limit ${formatShare(policy.nullShareThreshold)}; two-proportion z-test.`],
    [
      'New levels',
      `Share of rows with a level the reference does not know, limit ${formatShare(policy.newLevelThreshold)}, tested against what rare levels explain (Good 1953).`,
    ],
    [
      'Out of range',
      `Share of rows outside the reference’s minimum and maximum, limit ${formatShare(policy.outOfRangeThreshold)}, tested against what chance explains (Wilks 1942).`,
    ],
    [
      'Verdict',
      `Critical when ${formatShare(policy.share)} of the judged columns drift or an important one does; warning when any does.`,
    ],
  ]
  const list = entries.map(([term, text]) => `<dt>${term}</dt><dd>${text}</dd>`).join('')
  return `<h2>How this was judged</h2><div class="list"><dl>${list}</dl></div>`
}

function formatDate(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ').replace(' 00:00', '')
}
