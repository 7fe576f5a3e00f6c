import { EsteiraError } from '../errors.js'
import {
  aggregate,
  allOf,
  between,
  call,
  caseWhen,
  cast,
  column,
  type Expression,
  integer,
  literal,
  oneOf,
  operation,
  windowOver,
} from '../sql/expression.js'
import { markGroup } from './feature-group.js'
import type { Source, SourceColumnRef } from './source.js'
import { wholeDays } from './whole-days.js'

/** Types a feature may have, in SQL's words: int32, int64, float64, text. */
export type FeatureType = 'integer' | 'bigint' | 'double' | 'varchar'

/**
 * A feature as data: plain JSON, compiled to SQL later. An `expression` may use aggregates over the events before the feature
 * date (table `source`: the source's columns; table `event`: `event_date`, `local_ts`, `age`), other features (table `feature`)
 * and facts of the date (table `view`: `feature_date`, `first_event_date`). `age` is whole days before the feature date,
 * 1 = the day before.
 */
export type Feature<Type extends FeatureType = FeatureType> =
  | { readonly kind: 'expression'; readonly type: Type; readonly value: Expression }
  | {
      readonly kind: 'mostFrequent'
      readonly type: Type
      readonly of: Expression
      readonly withinDays: number
      /** Who wins a tie: the value seen last, then the smallest; or the smallest at once. */
      readonly ties: 'latest' | 'smallest'
    }

const WINDOW_AGGREGATES = ['count', 'sum', 'avg', 'max', 'min', 'std'] as const
export type WindowAggregate = (typeof WINDOW_AGGREGATES)[number]

export interface Days {
  /** Length of the window: the whole days `D - days` to `D - 1`. */
  readonly days: number
}

const age = column('age', 'event')
const featureDate = column('feature_date', 'view')

/** The value of another feature of the same view, entity and date. */
export function featureValue(name: string): Expression {
  return column(name, 'feature')
}

function within(days: number): Expression {
  return between(age, integer(1), integer(wholeDays('days', days)))
}

function expression<Type extends FeatureType>(type: Type, value: Expression): Feature<Type> {
  return { kind: 'expression', type, value }
}

/** Project files are run without a check of their types: what is no column arrives as undefined or as a name. */
function sourceValue(ref: SourceColumnRef): Expression {
  const found: unknown = ref
  if (typeof found === 'object' && found !== null && 'column' in found) return column(ref.column, 'source')
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `a feature needs a column of its source, found ${found === undefined ? 'undefined' : JSON.stringify(found)}`,
    { hint: 'Write the column as a property of the source: sum(orders.amount, { days: 30 }).' },
  )
}

/** Number of values: of events where the column is never empty, so that it is counted once with them. */
function countValues(ref: SourceColumnRef, where: Expression): Expression {
  const isOptional = ref.source.columns.some(({ name, optional }) => name === ref.column && optional)
  return aggregate('count', isOptional ? sourceValue(ref) : undefined, where)
}

type AnySource = Source | { readonly [Name in string]: SourceColumnRef }

/** Number of events in the window; 0 when none. */
export function count(_source: AnySource, { days }: Days): Feature<'bigint'> {
  return expression('bigint', aggregate('count', undefined, within(days)))
}

/** Sum over the window, exact for decimals, given as double; null when there is no event. */
export function sum(of: SourceColumnRef, { days }: Days): Feature<'double'> {
  return expression('double', cast(aggregate('sum', sourceValue(of), within(days)), 'double'))
}

/** Sum / count as doubles; null when there is no event. */
export function avg(of: SourceColumnRef, { days }: Days): Feature<'double'> {
  const total = aggregate('sum', sourceValue(of), within(days))
  return expression('double', call('divide', total, countValues(of, within(days))))
}

export function max(of: SourceColumnRef, { days }: Days): Feature<'double'> {
  return expression('double', cast(aggregate('max', sourceValue(of), within(days)), 'double'))
}

export function min(of: SourceColumnRef, { days }: Days): Feature<'double'> {
  return expression('double', cast(aggregate('min', sourceValue(of), within(days)), 'double'))
}

/**
 * Sample standard deviation (n - 1) over the window; null under two events. Of money it is exact up to the last division and
 * root: the same for every row order and engine.
 */
export function std(of: SourceColumnRef, { days }: Days): Feature<'double'> {
  const where = within(days)
  return expression('double', isMoney(of.type) ? exactDeviation(of, where) : aggregate('std', sourceValue(of), where))
}

/** Decimals whose squares and their sums fit the 38 digits of a decimal. */
function isMoney(type: string): boolean {
  const [, precision, scale] = /^decimal\((\d+),(\d+)\)$/.exec(type) ?? []
  return Number(precision) <= 18 && Number(scale) <= 4
}

/** `sqrt((n * sum(x^2) - sum(x)^2) / (n (n - 1)))`, numerator in decimals; in doubles where 38 digits would not do. */
function exactDeviation(of: SourceColumnRef, where: Expression): Expression {
  const x = cast(sourceValue(of), 'decimal(38,4)')
  const n = countValues(of, where)
  const total = cast(aggregate('sum', sourceValue(of), where), 'decimal(38,4)')
  const squares = aggregate('sum', operation(x, '*', x), where)
  const numerator = (count: Expression, sumOfSquares: Expression, sum: Expression) =>
    operation(operation(count, '*', sumOfSquares), '-', operation(sum, '*', sum))
  const exact = numerator(cast(n, 'decimal(38,0)'), squares, total)
  const rounded = numerator(cast(n, 'double'), cast(squares, 'double'), cast(total, 'double'))
  const scaled = operation(cast(n, 'double'), '*', cast(squares, 'double'))
  const deviation = (of: Expression) =>
    call('squareRoot', call('divide', of, operation(n, '*', operation(n, '-', integer(1)))))
  return caseWhen(
    [
      { if: operation(n, '<', integer(2)), value: literal(null, 'double') },
      { if: operation(scaled, '<', literal(1e29, 'double')), value: deviation(exact) },
      { if: operation(rounded, '<=', literal(0, 'double')), value: literal(0, 'double') },
    ],
    deviation(rounded),
  )
}

type WindowFeatures<SourceName extends string, As extends string, N extends number, Take extends WindowAggregate> = {
  readonly [D in N as 'count' extends Take ? `total_${SourceName}_${D}d` : never]: Feature<'bigint'>
} & {
  readonly [K in `${Exclude<Take, 'count'>}_${As}_${N}d`]: Feature<'double'>
}

/**
 * The usual aggregates of one column over several windows, named `total_<of>_<n>d` for the count and `<aggregate>_<as>_<n>d`
 * for the rest.
 *
 * @example
 * windows(transactions.amount, { of: 'transactions', as: 'transaction_value', days: [7, 30], take: ['count', 'avg'] })
 * // total_transactions_7d, total_transactions_30d, avg_transaction_value_7d, avg_transaction_value_30d
 */
export function windows<
  const Of extends string,
  const As extends string,
  const N extends number,
  const Take extends WindowAggregate,
>(
  value: SourceColumnRef,
  options: { readonly of: Of; readonly as: As; readonly days: readonly N[]; readonly take: readonly Take[] },
): WindowFeatures<Of, As, N, Take> {
  const build = { sum, avg, max, min, std }
  sourceValue(value)
  const unknown = options.take.find((take) => !WINDOW_AGGREGATES.includes(take))
  if (unknown !== undefined) {
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `windows: take: there is no aggregate ${JSON.stringify(unknown)}; there are ${WINDOW_AGGREGATES.join(', ')}`,
    )
  }
  const features: Record<string, Feature> = {}
  for (const days of options.days) {
    for (const take of options.take) {
      if (take === 'count') {
        features[`total_${options.of}_${days}d`] = expression('bigint', aggregate('count', undefined, within(days)))
      } else {
        features[`${take}_${options.as}_${days}d`] = build[take as Exclude<WindowAggregate, 'count'>](value, { days })
      }
    }
  }
  return markGroup(`windows(${value.column})`, features) as WindowFeatures<Of, As, N, Take>
}

/** The most frequent non-null value of the window; ties go to the one used last, then the alphabetically smallest. */
export function mode(of: SourceColumnRef<'string'>, { days }: Days): Feature<'varchar'> {
  return {
    kind: 'mostFrequent',
    type: 'varchar',
    of: sourceValue(of),
    withinDays: wholeDays('days', days),
    ties: 'latest',
  }
}

/** Hour 0-23 of the source's wall clock with most events of the window; ties go to the smallest. */
export function peakHour(_source: AnySource, { days }: Days): Feature<'integer'> {
  const hour = cast(call('hourOfDay', column('local_ts', 'event')), 'integer')
  return { kind: 'mostFrequent', type: 'integer', of: hour, withinDays: wholeDays('days', days), ties: 'smallest' }
}

/** Days from the last event to the feature date, at least 1. */
export function daysSinceLast(_source: AnySource): Feature<'integer'> {
  return expression('integer', cast(aggregate('min', age), 'integer'))
}

/** Share of the window's events on a Saturday or Sunday; null when there is none. */
export function weekendShare(_source: AnySource, { days }: Days): Feature<'double'> {
  const weekend = oneOf(call('isoWeekday', column('event_date', 'event')), [integer(6), integer(7)])
  const onWeekend = aggregate('count', undefined, allOf(within(days), weekend))
  return expression('double', call('divide', onWeekend, aggregate('count', undefined, within(days))))
}

/**
 * 12 x the share of the window's events that fall in the calendar month of the feature date; 1 is no season. Null for everybody
 * while the source is younger than the window: a young source has no season to see.
 */
export function seasonality(_source: AnySource, { days }: Days): Feature<'double'> {
  const sameMonth = operation(call('monthOfYear', column('event_date', 'event')), '=', call('monthOfYear', featureDate))
  const inMonth = aggregate('count', undefined, allOf(within(days), sameMonth))
  const share = call(
    'divide',
    operation(literal(12, 'bigint'), '*', inMonth),
    aggregate('count', undefined, within(days)),
  )
  const young = operation(call('daysBetween', column('first_event_date', 'view'), featureDate), '<', integer(days))
  return expression('double', caseWhen([{ if: young, value: literal(null, 'double') }], share))
}

/** Of the `blocks` blocks of `blockDays` days before the feature date, the share holding an event: 0 to 1. */
export function engagement(
  _source: AnySource,
  { blocks, blockDays }: { readonly blocks: number; readonly blockDays: number },
): Feature<'double'> {
  const block = call('integerDivide', operation(age, '-', integer(1)), integer(wholeDays('blockDays', blockDays)))
  const count = wholeDays('blocks', blocks)
  return expression('double', call('divide', distinctBits(block, within(count * blockDays)), integer(count)))
}

/**
 * How overdue the next event is, 0 to 1: with k distinct days of events in the window and g their mean gap,
 * `min(1, days since last / (3 g))`; null under two days. A heuristic, not the model.
 */
export function overdue(_source: AnySource, { days }: Days): Feature<'double'> {
  const gaps = operation(distinctDays(wholeDays('days', days)), '-', integer(1))
  const span = operation(aggregate('max', age, within(days)), '-', aggregate('min', age, within(days)))
  const meanGap = call('divide', span, gaps)
  const ratio = call('divide', aggregate('min', age), operation(literal(3, 'double'), '*', meanGap))
  return expression('double', call('least', literal(1, 'double'), ratio))
}

/** Bits in one bigint mask: distinct days are counted by OR-ing one bit a day, far cheaper than a distinct count. */
const MASK_BITS = 61

function distinctDays(days: number): Expression {
  const bit = call('modulo', operation(age, '-', integer(1)), integer(MASK_BITS))
  const masks: Expression[] = []
  for (let first = 1; first <= days; first += MASK_BITS) {
    masks.push(distinctBits(bit, between(age, integer(first), integer(Math.min(days, first + MASK_BITS - 1)))))
  }
  return masks.reduce((left, right) => operation(left, '+', right))
}

function distinctBits(bit: Expression, where: Expression): Expression {
  return call('bitCount', call('coalesce', aggregate('bitOr', call('bitAt', bit), where), literal(0, 'bigint')))
}

/**
 * Fifths of the population by rank, 1 to 5: `1 + min(4, (5 (rank - 1)) div (n - 1))`, ties with the smallest rank, over all n
 * entities of the view at the date; 1 when n = 1, null when the value is null.
 */
export function quintile(of: Expression): Feature<'integer'> {
  return expression(
    'integer',
    cast(windowOver('fifth', { partitionBy: [featureDate], orderBy: [{ by: of }] }), 'integer'),
  )
}

/** Recency, frequency and monetary scores 1 to 5 (5 is best) from three features of the same view, named by the caller. */
export function rfm(of: { readonly recency: string; readonly frequency: string; readonly monetary: string }): {
  readonly recency_score: Feature<'integer'>
  readonly frequency_score: Feature<'integer'>
  readonly monetary_score: Feature<'integer'>
} {
  return markGroup('rfm', {
    recency_score: quintile(operation(integer(0), '-', featureValue(of.recency))),
    frequency_score: quintile(featureValue(of.frequency)),
    monetary_score: quintile(featureValue(of.monetary)),
  })
}

/** `premium` for score 5, `regular` for 3 and 4, else `bronze`. */
export function segment(score: string): Feature<'varchar'> {
  const of = featureValue(score)
  return expression(
    'varchar',
    caseWhen(
      [
        { if: operation(of, '=', integer(5)), value: literal('premium', 'varchar') },
        { if: oneOf(of, [integer(3), integer(4)]), value: literal('regular', 'varchar') },
      ],
      literal('bronze', 'varchar'),
    ),
  )
}

/** A feature that this source cannot give: always null, so that views of several sources keep one shape. */
export function unavailable<const Type extends FeatureType>(type: Type): Feature<Type> {
  return expression(type, literal(null, type))
}
