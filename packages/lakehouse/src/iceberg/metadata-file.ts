import { createHash } from 'node:crypto'
import { corruptFile } from './corrupt-file.js'
import { formatTableMetadata, type TableMetadata } from './table-metadata.js'

/** A metadata file to be written. */
export interface MetadataFile {
  readonly location: string
  readonly bytes: Uint8Array
}

// The format has no checksum for this file, so its name carries one: the last 15 digits of a UUID of version 8 (RFC 9562: free
// content), told apart by these digits. For other programs it is a name like any.
const MARK = '8e57-b'
const DIGEST = /-[0-9a-f]{8}-[0-9a-f]{4}-8e57-b([0-9a-f]{3})-([0-9a-f]{12})\.metadata\.json$/

/** The next metadata file of a table: `<location>/metadata/00003-<uuid>.metadata.json`, one more than the file before. */
export function metadataFile(metadata: TableMetadata, previous: string | undefined, newId: string): MetadataFile {
  const bytes = Buffer.from(formatTableMetadata(metadata))
  const counter = /\/(\d+)-[^/]*$/.exec(previous ?? '')?.[1]
  const next =
    previous === undefined ? 0 : counter === undefined ? metadata['metadata-log'].length : Number(counter) + 1
  const [unique, digest] = [sha256(newId), sha256(bytes)]
  const uuid = `${unique.slice(0, 8)}-${unique.slice(8, 12)}-${MARK}${digest.slice(0, 3)}-${digest.slice(3, 15)}`
  return { location: `${metadata.location}/metadata/${String(next).padStart(5, '0')}-${uuid}.metadata.json`, bytes }
}

/**
 * Checks a metadata file that we wrote against the digest in its name; those of other programs have none.
 * @throws EsteiraError ESTEIRA_TABLE_CORRUPT
 */
export function checkMetadataFile({ location, bytes }: MetadataFile): void {
  const found = DIGEST.exec(location)
  if (found === null || sha256(bytes).startsWith(`${found[1]}${found[2]}`)) return
  throw corruptFile('table metadata', location, new RangeError('its content is not what was written'))
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
