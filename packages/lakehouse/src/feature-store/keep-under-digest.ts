import { hashFile, type ObjectStore } from '@esteira/core'

export interface StoredRows {
  /** sha256 of the stored bytes. */
  readonly digest: string
  readonly dataKey: string
  readonly rowCount: number
}

/** Keeps a scratch Parquet file under the digest of its bytes, once, and removes the scratch. */
export async function keepUnderDigest(
  objects: ObjectStore,
  scratch: { readonly key: string; readonly rowCount: number },
): Promise<StoredRows> {
  const path = await objects.localPath(scratch.key)
  const digest = await hashFile(path)
  const dataKey = `training-sets/${digest}/data.parquet`
  const known = await objects.list(`training-sets/${digest}/`)
  if (!known.some(({ key }) => key === dataKey)) await objects.upload(dataKey, path)
  await objects.delete(scratch.key)
  return { digest, dataKey, rowCount: scratch.rowCount }
}
