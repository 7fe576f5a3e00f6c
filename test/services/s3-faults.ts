import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** Which requests: the method, and a part of path and query. */
export type Match = `${'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD'} ${string}`

export interface CannedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

type Failure =
  /** The server never hears of it. */
  | 'drop'
  /** The server does it, but the client never hears of it. */
  | 'lose'
  /** The answer's body stops half way and the connection closes. */
  | 'cut'
  /** The answer's body stops half way and says that it is whole. */
  | 'truncate'
  /** One byte of the answer's body is another. */
  | 'garble'
  /** Nothing ever comes back. */
  | 'stall'
  /** The answer's body stops half way and the connection stays open. */
  | 'hang'

/** A proxy in front of an S3 server that fails as told; faults of a match happen one after the other. */
export interface S3Faults {
  readonly uri: string
  fail(match: Match, failure: Failure | CannedAnswer, times?: number): void
  /** Calls `then` when such a request comes, before it goes on. */
  before(match: Match, then: () => Promise<unknown> | undefined): void
  /** How many such requests came. */
  seen(match: Match): number
  /** The most requests with a body that were under way at once. */
  mostAtOnce(): number
  /** Waits until such a request has come. */
  comes(match: Match): Promise<void>
  forget(): void
  stop(): Promise<void>
}

interface Fault {
  readonly match: Match
  readonly failure: Failure | CannedAnswer
}

export async function startS3Faults(target: string): Promise<S3Faults> {
  const faults: Fault[] = []
  const hooks: { readonly match: Match; readonly then: () => Promise<unknown> | undefined }[] = []
  const requests: string[] = []
  const waiting = new Set<() => void>()
  let sending = 0
  let mostSending = 0
  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method} ${incoming.url}`
    requests.push(line)
    for (const look of waiting) look()
    if (incoming.method === 'PUT') {
      sending++
      mostSending = Math.max(mostSending, sending)
      outgoing.once('close', () => sending--)
    }
    const hook = hooks.findIndex(({ match }) => fits(line, match))
    const first = hook < 0 ? undefined : hooks.splice(hook, 1)[0]?.then()
    const index = faults.findIndex(({ match }) => fits(line, match))
    const failure = index < 0 ? undefined : faults.splice(index, 1)[0]?.failure
    void Promise.resolve(first).then(() => answer(target, incoming, outgoing, failure))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const seen = (match: Match) => requests.filter((line) => fits(line, match)).length
  return {
    uri: `http://127.0.0.1:${address.port}`,
    fail: (match, failure, times = 1) => {
      faults.push(...Array.from({ length: times }, () => ({ match, failure })))
    },
    before: (match, then) => {
      hooks.push({ match, then })
    },
    seen,
    mostAtOnce: () => mostSending,
    comes: (match) =>
      new Promise((resolve) => {
        const look = () => {
          if (seen(match) === 0) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    forget: () => {
      for (const list of [faults, hooks, requests]) list.splice(0)
      mostSending = 0
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function fits(line: string, match: Match): boolean {
  const [method = '', part = ''] = match.split(' ')
  return line.startsWith(`${method} `) && line.includes(part)
}

function answer(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  failure: Failure | CannedAnswer | undefined,
): void {
  if (typeof failure === 'object') {
    incoming.resume()
    incoming.on('end', () => outgoing.writeHead(failure.status, failure.headers).end(failure.body))
    return
  }
  if (failure === 'stall') {
    incoming.resume()
    return
  }
  if (failure === 'drop') {
    incoming.socket.destroy()
    return
  }
  const url = new URL(incoming.url ?? '', target)
  const onward = request(
    url,
    { method: incoming.method, headers: { ...incoming.headers, host: url.host } },
    (reply) => {
      const parts: Buffer[] = []
      reply.on('data', (part: Buffer) => parts.push(part))
      reply.on('end', () => pass(reply, Buffer.concat(parts), outgoing, failure))
    },
  )
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}

function pass(reply: IncomingMessage, body: Buffer, outgoing: ServerResponse, failure: Failure | undefined): void {
  if (failure === 'lose') {
    outgoing.destroy()
    return
  }
  const { 'transfer-encoding': _, ...headers } = reply.headers
  const half = body.subarray(0, body.length / 2)
  if (failure === 'garble') body.writeUInt8((body.readUInt8(0) + 1) % 256, 0)
  const sent = failure === 'truncate' ? half : body
  const length = reply.headers['content-length'] === undefined ? {} : { 'content-length': sent.length }
  outgoing.writeHead(reply.statusCode ?? 502, { ...headers, ...length })
  if (failure === 'cut') outgoing.write(half, () => outgoing.destroy())
  else if (failure === 'hang') outgoing.write(half)
  else outgoing.end(sent)
}
