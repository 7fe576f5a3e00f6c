/** A number for people: about four digits, `1,234`, `0.1235`, `1.2e-9`. */
export function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size < 1e-3 || size >= 1e9) return value.toExponential(1)
  if (size >= 1000) return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',')
  return String(Number(value.toPrecision(4)))
}

/** A share as per cent: `12.3 %`; what is more than nothing never shows as 0. */
export function formatShare(share: number): string {
  const percent = share * 100
  if (percent > 0 && percent < 0.01) return '<0.01 %'
  return `${Number(percent.toPrecision(3))} %`
}

/** A score for people: three digits tell what there is to tell. */
export function formatScore(score: number): string {
  return formatNumber(Number(score.toPrecision(3)))
}

/** A p-value for people, after `p`: `= 0.0021`; below 1e-12 only that it is. */
export function formatPValue(pValue: number): string {
  return pValue < 1e-12 ? '< 1e-12' : `= ${formatScore(pValue)}`
}
