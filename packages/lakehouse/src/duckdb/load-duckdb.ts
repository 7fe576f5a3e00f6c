import { createRequire } from 'node:module'
import { EsteiraError } from '@esteira/core'

export type DuckDb = typeof import('@duckdb/node-api')

/**
 * DuckDB's library, loaded at first use. `require` in place of `import`: to find the names of a CommonJS package for `import`,
 * Node reads each of its files once more, which takes longer than loading the native library.
 *
 * @throws EsteiraError ESTEIRA_OPTIONAL_PACKAGE when it does not load
 */
export function loadDuckDb(): DuckDb {
  try {
    return createRequire(import.meta.url)('@duckdb/node-api')
  } catch (cause) {
    throw new EsteiraError(
      'ESTEIRA_OPTIONAL_PACKAGE',
      'DuckDB (@duckdb/node-api) could not be loaded on this machine',
      {
        hint: 'Run npm run setup again; DuckDB needs 64-bit Linux, macOS or Windows.',
        cause,
      },
    )
  }
}
