import { createHash } from 'node:crypto'
import type { Column, Frame } from '@esteira/core'

/** sha256 of the columns of a frame: names, types, nulls and values, in order. */
export function frameDigest(frame: Frame): string {
  const hash = createHash('sha256')
  for (const [name, column] of frame.columns) {
    hash.update(JSON.stringify([name, column.type, frame.rowCount]))
    hash.update(column.nulls ?? 'no nulls')
    for (const piece of bytesOf(column)) hash.update(piece)
  }
  return hash.digest('hex')
}

function* bytesOf({ type, values }: Column): Iterable<Uint8Array | string> {
  if (type !== 'string') yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  else for (const value of values) yield JSON.stringify(value)
}
