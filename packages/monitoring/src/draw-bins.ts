import type { Bins } from './drift-report.js'
import { shortHtml } from './escape-html.js'
import { formatNumber, formatShare } from './format-number.js'

const WIDTH = 360
const HEIGHT = 96
/** Distance of the two tail bars from the bins inside the range. */
const TAIL_GAP = 6

/** Reference against current as inline SVG: filled shape and outline, so that the two are told apart without colour. */
export function drawBins(bins: Bins, title: string): string {
  const reference = shares(bins.reference)
  const current = shares(bins.current)
  const label = `<title>${title}</title>`
  return bins.edges === null
    ? drawLevels(bins.labels ?? [], reference, current, label)
    : drawHistogram(bins.edges, reference, current, label)
}

function drawHistogram(
  edges: readonly number[],
  reference: readonly number[],
  current: readonly number[],
  label: string,
): string {
  const top = Math.max(...reference, ...current, 1e-9)
  const width = (WIDTH - 2 * TAIL_GAP) / reference.length
  const lefts = reference.map(
    (_, i) => i * width + (i > 0 ? TAIL_GAP : 0) + (i === reference.length - 1 ? TAIL_GAP : 0),
  )
  const y = (share: number) => round(HEIGHT - (share / top) * (HEIGHT - 4))
  const bars = reference.map((share, i) => bar(lefts[i] ?? 0, width, y(share), share)).join('')
  const inner = current.slice(1, -1)
  const steps = inner.map((share, i) => `V${y(share)}H${round((lefts[i + 1] ?? 0) + width)}`).join('')
  const outline = `M${round(lefts[1] ?? 0)} ${HEIGHT}${steps}V${HEIGHT}`
  const tails = [0, current.length - 1]
    .map((i) => tail(lefts[i] ?? 0, width, y(current[i] ?? 0), current[i] ?? 0))
    .join('')
  const first = edges[0] ?? 0
  const last = edges.at(-1) ?? 0
  return `<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT + 18}" role="img">${label}<path class="ref" d="${bars}"/><path class="cur" d="${outline}${tails}"/><path class="axis" d="M0 ${HEIGHT}H${WIDTH}"/><text x="${round(lefts[1] ?? 0)}" y="${HEIGHT + 14}">${formatNumber(first)}</text><text x="${WIDTH / 2}" y="${HEIGHT + 14}" text-anchor="middle">${formatNumber((first + last) / 2)}</text><text x="${round(lefts.at(-1) ?? WIDTH) - TAIL_GAP}" y="${HEIGHT + 14}" text-anchor="end">${formatNumber(last)}</text></svg>`
}

function bar(left: number, width: number, top: number, share: number): string {
  return share === 0 ? '' : `M${round(left)} ${HEIGHT}V${top}h${round(width)}V${HEIGHT}z`
}

function tail(left: number, width: number, top: number, share: number): string {
  return share === 0 ? '' : `M${round(left)} ${HEIGHT}V${top}h${round(width)}V${HEIGHT}`
}

function drawLevels(
  labels: readonly string[],
  reference: readonly number[],
  current: readonly number[],
  label: string,
): string {
  const row = 18
  const start = 118
  const room = WIDTH - start - 78
  const rows = labels.map((text, i) => {
    const [before, now] = [reference[i] ?? 0, current[i] ?? 0]
    const y = i * row
    return `<text class="level" x="${start - 8}" y="${y + 12}" text-anchor="end">${shortHtml(text, 18)}</text><path class="ref" d="M${start} ${y + 2}h${round(before * room)}v12h-${round(before * room)}z"/><path class="cur" d="M${start} ${y + 5}h${round(now * room)}v6h-${round(now * room)}z"/><text x="${round(start + Math.max(before, now) * room + 6)}" y="${y + 12}">${formatShare(before)} → ${formatShare(now)}</text>`
  })
  return `<svg class="plot" viewBox="0 0 ${WIDTH} ${labels.length * row + 2}" role="img">${label}${rows.join('')}</svg>`
}

function shares(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => (total === 0 ? 0 : count / total))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
