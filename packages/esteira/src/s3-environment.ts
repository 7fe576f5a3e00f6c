import { parseS3Address } from '@esteira/lakehouse'

/** Where the objects of an `ESTEIRA_HOME` on S3 are, and how S3 is reached. Credentials are the AWS SDK's own business. */
export interface S3Environment {
  readonly bucket: string
  readonly prefix: string
  readonly region?: string
  readonly endpoint?: string
  /** Objects are encrypted with this key of KMS; else as the bucket says. */
  readonly kmsKeyId?: string
}

/**
 * Reads `s3://bucket/prefix` and the `AWS_*` variables that choose a server; an empty one counts as none.
 * @throws EsteiraError ESTEIRA_USAGE
 */
export function readS3Environment(
  home: string,
  variables: Readonly<Record<string, string | undefined>>,
): S3Environment | undefined {
  if (!/^s3:/i.test(home)) return undefined
  const region = variables['AWS_REGION'] || undefined
  const endpoint = variables['AWS_ENDPOINT_URL_S3'] || variables['AWS_ENDPOINT_URL'] || undefined
  const kmsKeyId = variables['ESTEIRA_S3_KMS_KEY'] || undefined
  return {
    ...parseS3Address(home),
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
  }
}
