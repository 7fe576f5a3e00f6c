import { dirname } from 'node:path'
import { quoteText } from '@esteira/core'
import { z } from 'zod'
import type { DuckDbEngine } from '../../duckdb/open-duckdb.js'
import { pathToUri } from '../../storage/local-storage.js'
import type { TableStorage } from '../../storage/table-storage.js'
import type { WrittenFile } from './describe-data-file.js'

export interface FileSort {
  readonly engine: DuckDbEngine
  readonly storage: TableStorage
  /** Text after ORDER BY. */
  readonly orderBy: string
  /** Part of every file name. */
  readonly writeId: string
  readonly newId: () => string
  /** Options of COPY. */
  readonly options: readonly string[]
  readonly signal: AbortSignal | undefined
}

const sortedFile = z.array(z.object({ file_size_bytes: z.coerce.number() }))

/**
 * Files as they were, each with its rows in order. A write by partitions keeps no order: it gathers the rows of a partition
 * from many threads. Counts and bounds stay what they are.
 */
export async function sortFiles(sort: FileSort, written: readonly WrittenFile[]): Promise<readonly WrittenFile[]> {
  const { engine, storage, orderBy, writeId, newId, options, signal } = sort
  const sorted: WrittenFile[] = []
  for (const file of written) {
    const filename = `${dirname(file.filename)}/${writeId}-${newId()}.parquet`
    const rows = `SELECT * FROM read_parquet(${quoteText(file.filename)}, hive_partitioning = false) ORDER BY ${orderBy}`
    const sql = `COPY (${rows}) TO ${quoteText(filename)} (${options.join(', ')})`
    const [copied] = sortedFile.parse(await engine.readRows(sql, signal === undefined ? {} : { signal }))
    await storage.remove([pathToUri(file.filename)])
    sorted.push({ ...file, filename, file_size_bytes: copied?.file_size_bytes ?? 0 })
  }
  return sorted
}
