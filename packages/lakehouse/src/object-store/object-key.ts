import { EsteiraError } from '@esteira/core'

/** Names of files that are still being written; no key may use them and no listing shows them. */
export const TEMPORARY_PREFIX = '.esteira-tmp-'

/** What S3 allows for a key, and a file system for a name. */
const MOST_BYTES = 1024
const MOST_SEGMENT_BYTES = 255

/**
 * Checks a key of an object store: segments separated by single `/`, none empty, `.` or `..`, no backslash, no control
 * character; at most 1,024 bytes, a segment at most 255. One rule for all stores, so that what is written locally can be
 * copied to S3 and back.
 * @throws EsteiraError ESTEIRA_USAGE
 */
export function checkKey(key: string): string {
  const fault = faultOf(key)
  if (fault === undefined) return key
  throw new EsteiraError('ESTEIRA_USAGE', `object key ${JSON.stringify(key)} ${fault}`, {
    hint: 'A key is a relative path such as runs/churn-training-20260101/train_model.json.',
    details: { key },
  })
}

/** Whether {@link checkKey} lets it pass. */
export function isKey(key: string): boolean {
  return faultOf(key) === undefined
}

function faultOf(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (Buffer.byteLength(key) > MOST_BYTES) return `is longer than ${MOST_BYTES} bytes`
  // Text that UTF-8 cannot hold: two such keys would meet in one.
  if (/\p{Surrogate}/u.test(key)) return 'holds half a character'
  if (key.startsWith('/')) return 'starts with /'
  if (key.includes('\\')) return 'holds a backslash'
  if (Array.from(key).some((char) => char < ' ' || char === '\u007f')) return 'holds a control character'
  for (const segment of key.split('/')) {
    if (segment === '') return 'has an empty segment'
    if (Buffer.byteLength(segment) > MOST_SEGMENT_BYTES) return `has a segment longer than ${MOST_SEGMENT_BYTES} bytes`
    if (segment === '.' || segment === '..') return `has the segment "${segment}"`
    if (segment.startsWith(TEMPORARY_PREFIX)) return `uses the reserved name ${TEMPORARY_PREFIX}*`
  }
  return undefined
}
