import {
  aggregate,
  call,
  caseWhen,
  cast,
  column,
  type Dialect,
  date,
  EsteiraError,
  type Expression,
  integer,
  operation,
  quoteName,
  renderExpression,
} from '@esteira/core'

export interface PopulationOptions {
  readonly dialect: Dialect
  /** SQL text that stands for the silver table in a FROM clause. */
  readonly source: string
  /** Column that names the entity. */
  readonly entity: string
  readonly featureDates: readonly string[]
  readonly horizonDays: number
}

/**
 * One SELECT of who is at risk, for training and scoring alike: `entity`, `feature_date`, `stayed`. At risk at D is who has an
 * event in `[D - H, D)`; `stayed` is 1 when there is one in `[D, D + H)`, which is known only once D + H has passed.
 */
export function atRiskPopulation({ dialect, source, entity, featureDates, horizonDays }: PopulationOptions): string {
  if (featureDates.length === 0) throw new EsteiraError('ESTEIRA_USAGE', 'no feature date was given')
  const render = (expression: Expression) => renderExpression(expression, dialect)
  const age = call('daysBetween', call('toDate', column('local_ts', 'e')), column('feature_date', 'd'))
  const any = (isSo: Expression) =>
    render(cast(aggregate('max', caseWhen([{ if: isSo, value: integer(1) }], integer(0))), 'integer'))
  const dates = [...new Set(featureDates)].sort().map((day) => `(${render(date(day))})`)
  const name = `e.${quoteName(entity)}`
  return [
    'SELECT "entity", "feature_date", "stayed" FROM (',
    `  SELECT ${name} AS "entity", d."feature_date",`,
    `    ${any(operation(age, '>=', integer(1)))} AS "seen", ${any(operation(age, '<=', integer(0)))} AS "stayed"`,
    `  FROM ${source} AS e JOIN (VALUES ${dates.join(', ')}) AS d("feature_date")`,
    `    ON ${render(age)} BETWEEN ${1 - horizonDays} AND ${horizonDays}`,
    `  WHERE NOT e."is_refund" GROUP BY ${name}, d."feature_date"`,
    ') AS p WHERE "seen" = 1',
  ].join('\n')
}
