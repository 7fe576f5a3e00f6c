import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EsteiraError } from '@esteira/core'
import { checkArtifactPath, copyFolder, fileError, listFiles } from '../artifact-folder.js'
import { appendToUri, toLocalPath } from '../artifact-uri.js'
import { filesAnswer } from './answers.js'
import { TemporaryFailure } from './retry.js'
import type { Transport } from './transport.js'

const PROXY_PATH = '/api/2.0/mlflow-artifacts/artifacts'
const PARALLEL_FILES = 4

/** Where the server's artifact proxy has the files of an artifact address. */
interface ProxyPlace {
  readonly root: string
  /** Decoded, without a slash at the end. */
  readonly path: string
}

/** Copies all files of a local folder to an artifact address. */
export async function uploadFolder(transport: Transport, folder: string, uri: string): Promise<void> {
  const place = proxyPlace(transport, uri)
  if (place === undefined) return copyFolder(folder, toLocalPath(uri))
  await inParallel(await listFiles(folder), async (file) => {
    const path = join(folder, file)
    const { size } = await stat(path)
    await transport.upload(proxyUrl(place, file), () => createReadStream(path), size)
  })
}

/** Copies all files of an artifact address to a local folder. */
export async function downloadFolder(transport: Transport, uri: string, folder: string): Promise<void> {
  const place = proxyPlace(transport, uri)
  if (place === undefined) return copyFolder(toLocalPath(uri), folder)
  await inParallel(await listProxy(transport, place, ''), async ({ path, sizeBytes }) => {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await transport.download(proxyUrl(place, path), async (body) => {
      await pipeline(body, createWriteStream(target)).catch((error: unknown) => {
        throw fileError(error, target)
      })
      await checkSize(target, sizeBytes)
    })
  })
}

interface RemoteFile {
  readonly path: string
  readonly sizeBytes: number | undefined
}

/** All files below a folder of the proxy, which lists one level at a time, with base names. */
async function listProxy(transport: Transport, place: ProxyPlace, below: string): Promise<RemoteFile[]> {
  const path = below === '' ? place.path : `${place.path}/${below}`
  const query = { path }
  const { files } = await transport.call(filesAnswer, { method: 'GET', path: PROXY_PATH, query })
  const found: RemoteFile[] = []
  for (const file of files) {
    // A name with a slash or `..` could lead out of the target folder.
    const name = checkArtifactPath(file.path)
    if (name.includes('/')) throw new EsteiraError('ESTEIRA_MLFLOW', `the server lists a file with a path: ${name}`)
    const inside = below === '' ? name : `${below}/${name}`
    if (file.is_dir) found.push(...(await listProxy(transport, place, inside)))
    else found.push({ path: inside, sizeBytes: file.file_size })
  }
  return found
}

async function checkSize(path: string, expected: number | undefined): Promise<void> {
  const { size } = await stat(path)
  if (expected === undefined || size === expected) return
  const message = `${path} came with ${size} bytes instead of ${expected}`
  throw new TemporaryFailure(new EsteiraError('ESTEIRA_MLFLOW_UNAVAILABLE', message))
}

/** Undefined for an address that is not behind the proxy. */
function proxyPlace(transport: Transport, uri: string): ProxyPlace | undefined {
  if (!uri.startsWith('mlflow-artifacts:')) return undefined
  const { host, pathname } = new URL(uri)
  const server = host === '' ? transport.uri : `${new URL(transport.uri).protocol}//${host}`
  const path = pathname.replace(/^\/+|\/+$/g, '')
  return { root: `${server}${PROXY_PATH}`, path: decodeURIComponent(path) }
}

function proxyUrl(place: ProxyPlace, file: string): string {
  const encode = (path: string) => path.split('/').map(encodeURIComponent)
  return appendToUri(place.root, ...encode(place.path), ...encode(file))
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: PARALLEL_FILES }, worker))
}
