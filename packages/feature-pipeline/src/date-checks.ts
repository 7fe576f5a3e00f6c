import { addDays, type FeatureView, type TableRule } from '@esteira/core'
import { type FeatureCheck, percent } from './feature-check.js'

export interface BatchDates {
  /** The dates that were asked for. */
  readonly featureDates: readonly string[]
  /** Day of the newest event before each date. */
  readonly newestEvents: Readonly<Record<string, string>>
  /** Staged rows of each date. */
  readonly rowsByDay: ReadonlyMap<string, number>
  /** Published rows of each date, the dates of this batch left out; only read when a rule compares with them. */
  readonly publishedByDay: ReadonlyMap<string, number>
}

/** The checks of whole dates: those asked for and no others, enough rows, as many as usual, a source that was fresh. */
export function dateChecks(view: FeatureView, dates: BatchDates): FeatureCheck[] {
  const freshRule = { name: 'fresh', severity: 'error', withinDays: view.from.freshWithinDays } as const
  const rowsRule = { name: 'rows', severity: 'error', moreThan: view.moreRowsThan } as const
  const own = view.tableRules.flatMap((rule) => {
    if (rule.kind === 'fresh') return [fresh(rule, dates)]
    if (rule.kind === 'rows') return [enoughRows(rule, dates)]
    return rule.kind === 'rowCount' ? [usualRows(rule, dates)] : []
  })
  return [fresh(freshRule, dates), expectedDates(dates), enoughRows(rowsRule, dates), ...own]
}

type Of<Kind extends TableRule['kind']> = Omit<Extract<TableRule, { readonly kind: Kind }>, 'kind'>

/** A source without recent events may be one that is not delivered any more; that must not be read as customers who left. */
function fresh({ name, severity, withinDays }: Of<'fresh'>, { featureDates, newestEvents }: BatchDates): FeatureCheck {
  const stale = featureDates.filter((day) => (newestEvents[day] ?? '') < addDays(day, -withinDays))
  return {
    name,
    rule: 'fresh',
    severity,
    expected: `an event in the ${withinDays} days before each date`,
    found: stale.length === 0 ? 'one' : listed(stale, (day) => `${day}: ${newestEvents[day] ?? 'none'}`),
    passed: stale.length === 0,
  }
}

function expectedDates({ featureDates, rowsByDay }: BatchDates): FeatureCheck {
  const strange = [...rowsByDay.keys()].filter((day) => !featureDates.includes(day)).sort()
  return {
    name: 'feature_dates',
    rule: 'dates',
    severity: 'error',
    expected: 'only the dates asked for',
    found: strange.length === 0 ? 'those' : listed(strange, (day) => day),
    passed: strange.length === 0,
  }
}

function enoughRows({ name, severity, moreThan }: Of<'rows'>, { featureDates, rowsByDay }: BatchDates): FeatureCheck {
  const rowsOf = (day: string) => rowsByDay.get(day) ?? 0
  const small = featureDates.filter((day) => rowsOf(day) <= moreThan)
  return {
    name,
    rule: 'rows',
    severity,
    expected: `more than ${whole(moreThan)} rows a date`,
    found:
      small.length === 0
        ? `at least ${whole(Math.min(...featureDates.map(rowsOf)))}`
        : listed(small, (day) => `${day}: ${whole(rowsOf(day))}`),
    passed: small.length === 0,
  }
}

function usualRows({ name, severity, last, below, above }: Of<'rowCount'>, dates: BatchDates): FeatureCheck {
  const compared = dates.featureDates.flatMap((day) => {
    const usual = usualFor(day, last, dates.publishedByDay)
    const rows = dates.rowsByDay.get(day) ?? 0
    return usual === undefined ? [] : [{ day, rows, usual }]
  })
  const unusual = compared.filter(({ rows, usual }) => (usual - rows) / usual > below || (rows - usual) / usual > above)
  return {
    name,
    rule: 'rowCount',
    severity,
    expected: `${percent(-below)} to +${percent(above)} of the median of the last ${last} published dates`,
    found:
      compared.length === 0
        ? 'no published date to compare with'
        : unusual.length === 0
          ? 'as usual'
          : listed(unusual, ({ day, rows, usual }) => `${day}: ${whole(rows)}, usually ${whole(usual)}`),
    passed: unusual.length === 0,
  }
}

/** Median of the last dates before the day; of the first after it when it is older than all of them. */
function usualFor(day: string, last: number, published: ReadonlyMap<string, number>): number | undefined {
  const days = [...published.keys()].sort()
  const before = days.filter((each) => each < day).slice(-last)
  const near = before.length > 0 ? before : days.slice(0, last)
  return median(near.map((each) => published.get(each) ?? 0))
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2
}

function listed<Item>(items: readonly Item[], describe: (item: Item) => string): string {
  return items.slice(0, 5).map(describe).join(', ') + (items.length > 5 ? `, … (${items.length} in all)` : '')
}

function whole(count: number): string {
  return count.toLocaleString('en-US')
}
