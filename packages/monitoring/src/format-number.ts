/** A number for people: about four digits, `1,234`, `0.1235`, `1.2e-9`. */
export function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size < 1e-3 || size >= 1e9) return value.toExponential(1)
  if (size >= 1000) return value.toLocaleString('en-US', { maximumFractionDigits: 0 })
  return String(Number(value.toPrecision(4)))
}

/** A share as per cent: `12.3 %`; what is more than nothing never shows as 0. */
export function formatShare(share: number): string {
  const percent = share * 100
  if (percent > 0 && percent < 0.01) return '<0.01 %'
  return `${Number(percent.toPrecision(3))} %`
}

/** A p-value for people; below what a double can hold it is not 0, only too small to tell. */
export function formatPValue(pValue: number): string {
  return pValue === 0 ? '<1e-300' : formatNumber(pValue)
}
