import { addDays, EsteiraError, featureDateOf, matureMonths, monthsBetween, type StepScope } from '@esteira/core'

/**
 * The feature dates a step was asked for: `run-date` (default), `training` (the last mature first days of months, as many as
 * the project's `trainingMonths`), `2025-01-01..2025-06-01` (first days of months in the range) or `2025-01-01,2025-02-01`.
 *
 * @throws EsteiraError ESTEIRA_USAGE for anything else
 */
export function askedFeatureDates({ context, workspace, options }: StepScope): string[] {
  const asked = options['feature-dates'] ?? 'run-date'
  if (asked === 'run-date') return [featureDateOf(context)]
  const { label, trainingMonths } = workspace.project.definition
  if (asked === 'training') return matureMonths(featureDateOf(context), label.horizonDays, trainingMonths)
  const range = asked.split('..')
  const [first, last] = range
  if (range.length === 2 && isDay(first) && isDay(last)) {
    const months = monthsBetween(first, last)
    if (months.length > 0) return months
  }
  const days = asked.split(',')
  if (days.every(isDay)) return [...new Set(days)].sort()
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `--feature-dates: expected run-date, training, FROM..TO or days, found ${JSON.stringify(asked)}`,
    {
      hint: 'Examples: --feature-dates training, --feature-dates 2025-01-01..2025-12-01, --feature-dates 2025-03-01,2025-04-01',
    },
  )
}

function isDay(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && addDays(text, 0) === text
}
