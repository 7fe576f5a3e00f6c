/** A file as its folder lists it. */
export interface StoredFile {
  readonly uri: string
  readonly sizeBytes: number
  readonly changedAt: Date
}

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
  /** All files below a folder; none when there is no such folder. */
  list(folderUri: string): Promise<readonly StoredFile[]>
  /** Copies a file; the copy is durable after {@link makeDurable}. @throws EsteiraError when there is a file already */
  copy(fromUri: string, toUri: string): Promise<void>
  /** Removes what is left of a folder when it holds no file any more. */
  removeEmptyFolders(folderUri: string): Promise<void>
  /** Removes files as best effort: what cannot be removed stays as an orphan. */
  remove(uris: readonly string[]): Promise<void>
  /** Removes what a failed write left below a folder: files whose name holds the mark. */
  removeMarked(folderUri: string, mark: string): Promise<void>
}
