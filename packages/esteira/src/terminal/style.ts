import pc from 'picocolors'

/** Colours only where the stream is a terminal and the user wants them. */
export const style = pc.createColors(process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined)

/** `0.9 s`, `2 min 05 s`. */
export function formatDuration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
}

/** Writes a line to standard output. */
export function print(line = ''): void {
  process.stdout.write(`${line}\n`)
}

type Cell = string | number | bigint | boolean | null

/** Rows as aligned columns: numbers, and the columns named in `right`, to the right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: { readonly right?: readonly string[] } = {},
): string[] {
  const cells = rows.map((row) => row.map((value) => (value === null ? '' : String(value))))
  const widths = header.map((name, index) => Math.max(name.length, ...cells.map((row) => row[index]?.length ?? 0)))
  const isRight = header.map(
    (name, index) =>
      options.right?.includes(name) === true ||
      (rows.length > 0 && rows.every((row) => ['number', 'bigint'].includes(typeof row[index]) || row[index] === null)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => (isRight[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd()
  return [style.bold(line(header)), ...cells.map(line)]
}
