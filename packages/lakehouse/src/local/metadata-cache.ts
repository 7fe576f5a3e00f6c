import type { TableMetadata } from '../iceberg/table-metadata.js'

const KEPT_TABLES = 16

interface Parsed {
  readonly pointer: string
  readonly bytes: Uint8Array
  readonly metadata: TableMetadata
}

/**
 * The metadata files that were read or written last, one a table: a long history need not be parsed anew for every commit.
 * The file itself is still read, and what was parsed counts only while the bytes are the same: damage is seen at once.
 */
export class MetadataCache {
  readonly #parsed = new Map<string, Parsed>()

  find(name: string, pointer: string, bytes: Uint8Array): TableMetadata | undefined {
    const found = this.#parsed.get(name)
    if (found?.pointer !== pointer || Buffer.compare(found.bytes, bytes) !== 0) return undefined
    return found.metadata
  }

  keep(name: string, parsed: Parsed): void {
    this.#parsed.delete(name)
    this.#parsed.set(name, parsed)
    const [oldest] = this.#parsed.keys()
    if (this.#parsed.size > KEPT_TABLES && oldest !== undefined) this.#parsed.delete(oldest)
  }
}
