import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { EsteiraError, quoteText, type WrittenParquet } from '@esteira/core'
import { fileError } from '../../storage/file-errors.js'
import { syncFolder } from '../../storage/local-storage.js'
import type { Tables } from '../tables.js'

/**
 * A thread encodes a row group: half of DuckDB's usual size keeps all threads busy with the one or two hundred thousand wide
 * rows that a feature date or a training set has. Files grow by one in a hundred; reading them takes as long.
 */
const PARQUET_OPTIONS = 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440'

/** Writes a SELECT as one Parquet file beside the tables, below `objects/`: whole or not at all. */
export async function writeParquet(
  tables: Tables,
  key: string,
  rows: string,
  signal: AbortSignal | undefined,
): Promise<WrittenParquet> {
  const path = pathOf(tables, key)
  const temporary = join(dirname(path), `.${basename(path)}.${tables.newId()}.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true })
    const sql = `COPY (\n${rows}\n) TO ${quoteText(temporary)} (${PARQUET_OPTIONS})`
    const [written] = await tables.engine.readRows(sql, signal === undefined ? {} : { signal })
    const sizeBytes = await makeDurable(temporary)
    // THE COMMIT POINT of a staged file: one rename.
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return { key, rowCount: Number(written?.['Count'] ?? 0), sizeBytes }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw fileError('written', path, cause)
  }
}

async function makeDurable(path: string): Promise<number> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

/** FROM clause of a file that {@link writeParquet} wrote. @throws EsteiraError ESTEIRA_SOURCE_MISSING */
export async function readStaged(tables: Tables, key: string): Promise<string> {
  const path = pathOf(tables, key)
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() === true) return `read_parquet(${quoteText(path)}, hive_partitioning = false)`
  throw new EsteiraError(
    'ESTEIRA_SOURCE_MISSING',
    `there is no Parquet file ${key} in ${join(tables.home, 'objects')}`,
    {
      hint: 'Run the step that writes it first.',
      details: { key },
    },
  )
}

function pathOf(tables: Tables, key: string): string {
  const parts = key.split('/')
  if (key !== '' && !parts.some((part) => part === '' || part === '.' || part === '..'))
    return join(tables.home, 'objects', ...parts)
  throw new EsteiraError('ESTEIRA_USAGE', `"${key}" is no key of a file: keys are relative, use / and never ..`, {
    details: { key },
  })
}
