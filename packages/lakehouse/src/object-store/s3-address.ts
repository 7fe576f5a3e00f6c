import { EsteiraError } from '@esteira/core'
import { checkKey } from './object-key.js'

export interface S3Address {
  readonly bucket: string
  /** Without a slash at its ends; empty for the whole bucket. */
  readonly prefix: string
}

/**
 * Takes `s3://bucket/prefix` apart.
 * @throws EsteiraError ESTEIRA_USAGE
 * @example
 * parseS3Address('s3://acme-ml/esteira/') // { bucket: 'acme-ml', prefix: 'esteira' }
 */
export function parseS3Address(address: string): S3Address {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(address) ?? []
  return checkS3Address({ bucket, prefix: rest.replace(/\/+$/, '') })
}

/** @throws EsteiraError ESTEIRA_USAGE for a name that no bucket can have, or a prefix that no key can start with */
export function checkS3Address({ bucket, prefix }: S3Address): S3Address {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new EsteiraError('ESTEIRA_USAGE', `${JSON.stringify(bucket)} is no name of an S3 bucket`, {
      hint: 'An address reads s3://bucket/prefix; a bucket has 3 to 63 lower-case letters, digits, dots and hyphens.',
      details: { bucket, prefix },
    })
  }
  return { bucket, prefix: prefix === '' ? '' : checkKey(prefix) }
}
