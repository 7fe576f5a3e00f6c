/**
 * Names of tables and the pointer of each to its current metadata file. A table changes when its pointer is swapped,
 * and by nothing else. One driver per place: Iceberg's SQL catalog in SQLite here, Glue in production.
 */
export interface Catalog {
  /** Names as `<database>.<table>`, sorted. */
  names(): Promise<readonly string[]>
  /** URI of the table's current metadata file; undefined when there is no such table. */
  pointer(name: string): Promise<string | undefined>
  /** Adds the table; false when it is there already. */
  create(name: string, metadataLocation: string): Promise<boolean>
  /** Compare-and-swap: false when the pointer is not `from` any more, and nothing was changed. */
  swap(name: string, from: string, to: string): Promise<boolean>
  close(): Promise<void>
}
