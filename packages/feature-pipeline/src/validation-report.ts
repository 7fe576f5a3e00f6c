import type { ObjectStore } from '@esteira/core'
import { type FeatureCheck, percent, rowsText } from './feature-check.js'

/** What the checks of a staged batch found: stored as JSON, and as text beside it. */
export interface ValidationReport {
  readonly view: string
  readonly runId: string
  readonly stagingKey: string
  readonly featureDates: readonly string[]
  readonly rows: number
  /** True when no check of severity `error` failed. */
  readonly passed: boolean
  readonly checks: readonly FeatureCheck[]
}

/** Checks that failed and refuse the batch, and those that are only told. */
export function failedChecks(checks: readonly FeatureCheck[]): {
  readonly errors: readonly FeatureCheck[]
  readonly warnings: readonly FeatureCheck[]
} {
  const failed = checks.filter(({ passed }) => !passed)
  return {
    errors: failed.filter(({ severity }) => severity === 'error'),
    warnings: failed.filter(({ severity }) => severity === 'warning'),
  }
}

/** `churn_score.max: expected at most 1, found 3 rows, e.g. c1, 2024-03-01: 1.5`. */
export function checkLine({ name, expected, found, examples = [] }: FeatureCheck): string {
  const [first] = examples
  const example = first === undefined ? '' : `, e.g. ${first.key}: ${first.value}`
  return `${name}: expected ${expected}, found ${found}${example}`
}

/** The report for people, most serious first. */
function renderReport(report: ValidationReport): string {
  const { errors, warnings } = failedChecks(report.checks)
  const passed = report.checks.filter((check) => check.passed)
  const verdict = report.passed ? 'passed' : 'refused: nothing is published'
  return [
    `${report.view}, run ${report.runId}: ${verdict}`,
    `${rowsText(report.rows)} in ${report.stagingKey}, feature dates ${shortened(report.featureDates)}`,
    '',
    ...errors.flatMap((check) => describeFailed('FAILED', check)),
    ...warnings.flatMap((check) => describeFailed('WARNING', check)),
    `${passed.length} of ${report.checks.length} checks passed`,
    ...passed.map(({ name, expected, found }) => `  ${name}: ${expected}; found ${found}`),
    '',
  ].join('\n')
}

function describeFailed(word: string, check: FeatureCheck): string[] {
  const { name, expected, found, failedRows, share, examples = [] } = check
  const count = failedRows === undefined || share === undefined ? '' : ` = ${percent(share)} of the rows`
  return [
    `${word.padEnd(8)}${name}`,
    `  expected ${expected}`,
    `  found    ${found}${found.includes('%') ? '' : count}`,
    ...examples.map(({ key, value }) => `  example  ${key}: ${value}`),
    '',
  ]
}

function shortened(days: readonly string[]): string {
  return days.length <= 5 ? days.join(', ') : `${days[0]} to ${days.at(-1)} (${days.length})`
}

/** Key of the text beside a report: `….json` → `….txt`. */
export function textKeyOf(reportKey: string): string {
  return `${reportKey.replace(/\.json$/, '')}.txt`
}

/** Stores both forms of the report; each appears whole or not at all. */
export async function storeReport(objects: ObjectStore, key: string, report: ValidationReport): Promise<void> {
  await objects.put(key, JSON.stringify(report, null, 2))
  await objects.put(textKeyOf(key), renderReport(report))
}
