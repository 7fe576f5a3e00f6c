/** Files by key (`runs/<run id>/train_model.json`), in a local folder or an S3 prefix. Keys use `/`, never `..`. */
export interface ObjectStore {
  /** Where the store is: a folder path or `s3://bucket/prefix`. */
  readonly root: string
  /** Address of a key for people and for engines: a local path or an `s3://` URI. */
  locate(key: string): string
  /** Whole object, or undefined when there is none. */
  get(key: string, options?: ObjectCall): Promise<Uint8Array | undefined>
  /**
   * Part of an object, as readers of Parquet want it: fewer bytes than asked for where the object ends before, none when it
   * starts after the end, undefined when there is no object.
   */
  getRange(key: string, range: ByteRange, options?: ObjectCall): Promise<Uint8Array | undefined>
  /**
   * Writes the whole object at once: readers see the old one or the new one.
   * With `ifAbsent`, false when the key exists already, and nothing is written.
   */
  put(key: string, body: Uint8Array | string, options?: ObjectCall & { readonly ifAbsent?: boolean }): Promise<boolean>
  /** Keys below a prefix, sorted. */
  list(prefix: string, options?: ObjectCall): Promise<readonly ObjectInfo[]>
  /** Removes the object; no error when there is none. */
  delete(key: string, options?: ObjectCall): Promise<void>
  /** Copies a local file to the key, streaming; the same guarantee as {@link ObjectStore.put}. */
  upload(key: string, localPath: string, options?: ObjectCall): Promise<void>
  /** A local path holding the object's bytes (the file itself in a local store, a downloaded copy otherwise). */
  localPath(key: string, options?: ObjectCall): Promise<string>
}

/** What every call takes. */
export interface ObjectCall {
  /** Stops the call with ESTEIRA_INTERRUPTED; of a write, either all or nothing has happened then. */
  readonly signal?: AbortSignal
}

export interface ByteRange {
  /** First byte, from 0. */
  readonly offset: number
  readonly length: number
}

export interface ObjectInfo {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAt: Date
}
