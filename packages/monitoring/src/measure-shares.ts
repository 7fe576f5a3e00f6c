import { type ProportionTest, twoProportionTest } from '@esteira/statistics'
import type { CheckKind, CheckMeasurement } from './drift-report.js'

interface Share {
  readonly hits: number
  readonly rows: number
}

/** How much the share of hits (nulls, invalid values) changed, with a two-proportion test. */
export function measureShareChange(kind: CheckKind, reference: Share, current: Share): CheckMeasurement {
  const score = Math.abs(current.hits / current.rows - reference.hits / reference.rows)
  return shareCheck(kind, 'share_change', score, reference, current)
}

/** Which share of the current rows is hits (new levels, other values than the constant), tested against an expected share. */
export function measureShare(kind: CheckKind, expected: Share, current: Share): CheckMeasurement {
  return shareCheck(kind, 'share', current.hits / current.rows, expected, current)
}

function shareCheck(
  kind: CheckKind,
  method: 'share' | 'share_change',
  score: number,
  reference: Share,
  current: Share,
): CheckMeasurement {
  const measurable = Number.isFinite(score)
  const test: ProportionTest = twoProportionTest(reference.hits, reference.rows, current.hits, current.rows)
  return {
    kind,
    method,
    score: measurable ? score : null,
    test: 'two_proportions',
    pValue: measurable ? test.pValue : null,
    referenceRows: reference.rows,
    currentRows: current.rows,
    note: measurable ? null : emptySide(reference.rows),
  }
}

/** Why a comparison with an empty side has no score. */
export function emptySide(referenceRows: number): string {
  return referenceRows === 0 ? 'the reference has no usable value' : 'the current data has no usable value'
}
