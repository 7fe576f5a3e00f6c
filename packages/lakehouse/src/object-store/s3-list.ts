import type { ObjectInfo } from '@esteira/core'
import { isKey } from './object-key.js'
import type { S3Session } from './s3-session.js'

/** Keys below a text prefix in byte order, page by page; `start` is the store's own prefix with its slash. */
export async function listS3(
  session: S3Session,
  start: string,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<readonly ObjectInfo[]> {
  const found: ObjectInfo[] = []
  let token: string | undefined
  do {
    const page = await session.send({ doing: 'list', key: start + prefix, signal }, ({ sdk, client }) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: session.bucket,
          Prefix: start + prefix,
          ...(token !== undefined && { ContinuationToken: token }),
        }),
        signal === undefined ? {} : { abortSignal: signal },
      ),
    )
    for (const { Key: key = '', Size: sizeBytes = 0, LastModified: modifiedAt = new Date(0) } of page.Contents ?? []) {
      const own = key.slice(start.length)
      // Folder marks and other names that no key may have are somebody else's.
      if (isKey(own)) found.push({ key: own, sizeBytes, modifiedAt })
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
  // S3 lists in this order; directory buckets and some servers do not.
  return found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
}
