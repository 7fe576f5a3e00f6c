import type { Logger } from '@esteira/core'
import type { Catalog } from '../catalog/catalog.js'
import type { DuckDbEngine } from '../duckdb/open-duckdb.js'
import type { TableMetadata } from '../iceberg/table-metadata.js'
import type { TableStorage } from '../storage/table-storage.js'
import type { MetadataCache } from './metadata-cache.js'

/** What every operation on tables works with. */
export interface Tables {
  readonly home: string
  readonly engine: DuckDbEngine
  readonly catalog: Catalog
  readonly storage: TableStorage
  readonly metadataCache: MetadataCache
  readonly newId: () => string
  readonly now: () => Date
  /** In [0, 1): spreads the retries of writers that met. */
  readonly random: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly logger: Logger
}

/** A table as its catalog pointer stood when it was loaded. */
export interface LoadedTable {
  readonly name: string
  /** URI of the metadata file. */
  readonly pointer: string
  readonly metadata: TableMetadata
}
