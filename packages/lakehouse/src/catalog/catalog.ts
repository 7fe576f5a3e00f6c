/**
 * Names of tables and the pointer of each to its current metadata file. A table changes when its pointer is swapped,
 * and by nothing else. One driver per place: Iceberg's SQL catalog in SQLite here, Glue in production.
 */
export interface Catalog {
  /** Names as `<database>.<table>`, sorted. */
  names(): Promise<readonly string[]>
  /** URI of the table's current metadata file; undefined when there is no such table. */
  pointer(name: string): Promise<string | undefined>
  /** Adds the table, and its mark as one that is only read; false when the name is taken, and nothing was changed. */
  create(name: string, metadataLocation: string, readOnlyId?: string): Promise<boolean>
  /** UUID of the table that was made known by this name to be only read; undefined when there is no such mark. */
  readOnlyId(name: string): Promise<string | undefined>
  /** Sets the mark, or takes it away. */
  setReadOnlyId(name: string, id: string | undefined): Promise<void>
  /** Compare-and-swap: false when the pointer is not `from` any more, and nothing was changed. */
  swap(name: string, from: string, to: string): Promise<boolean>
  close(): Promise<void>
}
