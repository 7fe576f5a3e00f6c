import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** sha256 of a file's bytes as hexadecimal text, read in pieces. */
export async function hashFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...options })) hash.update(chunk)
  return hash.digest('hex')
}
