import type { DriftPolicy } from './drift-policy.js'
import type { DriftCheck } from './drift-report.js'
import { formatNumber, formatPValue, formatScore, formatShare } from './format-number.js'

/** One sentence with the numbers that decided. */
export function explainCheck(check: Omit<DriftCheck, 'reason'>, policy: DriftPolicy): string {
  const { status, note, referenceRows, currentRows } = check
  if (status === 'undefined') return note ?? 'cannot be measured'
  if (status === 'insufficient_data') {
    return `too few usable rows to judge: ${referenceRows} in the reference, ${currentRows} now, ${policy.minRows} needed`
  }
  const finding = `${describe(check)} (limit ${limit(check)}), adjusted p ${formatPValue(check.adjustedPValue ?? 1)}`
  return note === null ? finding : `${finding}; ${note}`
}

function describe({ kind, method, score }: Omit<DriftCheck, 'reason'>): string {
  const value = score ?? 0
  switch (kind) {
    case 'distribution':
      return method === 'wasserstein'
        ? `values moved by ${formatScore(value)} standard deviations`
        : `shares of levels moved by a Jensen-Shannon distance of ${formatScore(value)}`
    case 'constant':
      return `${formatShare(value)} of rows differ from the one value of the reference`
    case 'null_share':
      return `share of nulls changed by ${formatShare(value)}`
    case 'invalid_share':
      return `share of NaN and infinities changed by ${formatShare(value)}`
    case 'new_levels':
      return `${formatShare(value)} of rows have a level the reference does not know`
    case 'out_of_range':
      return `${formatShare(value)} of rows lie outside the range of the reference`
  }
}

function limit({ kind, threshold }: Omit<DriftCheck, 'reason'>): string {
  return kind === 'distribution' ? formatNumber(threshold) : formatShare(threshold)
}
