/** Where the files of tables are. Addresses are URIs; one driver per place (local folder now, S3 beside it). */
export interface TableStorage {
  /** The whole file. @throws EsteiraError ESTEIRA_TABLE_CORRUPT when there is none */
  read(uri: string): Promise<Uint8Array>
  /** Creates the file, durable when this returns. @throws EsteiraError when a file is there already */
  create(uri: string, bytes: Uint8Array): Promise<void>
  /** Where an engine writes files of a folder: its local path, created when it is not there. */
  prepareFolder(folderUri: string): Promise<string>
  /** Makes files that an engine wrote durable. */
  makeDurable(uris: readonly string[]): Promise<void>
  /** Size in bytes; undefined when there is no such file. */
  sizeOf(uri: string): number | undefined
  /** Removes files as best effort: what cannot be removed stays as an orphan. */
  remove(uris: readonly string[]): Promise<void>
  /** Removes what a failed write left below a folder: files whose name holds the mark. */
  removeMarked(folderUri: string, mark: string): Promise<void>
}
