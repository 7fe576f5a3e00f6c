import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'

export interface CannedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** A proxy in front of a server that fails as told; faults of a path (a part of it) happen one after the other. */
export interface FaultyProxy {
  readonly uri: string
  /** The server does it, but the client never hears of it. */
  loseAnswers(path: string, times: number): void
  /** The answer's body stops half way. */
  cutAnswers(path: string, times: number): void
  /** The client gets this instead; the server is not asked. */
  answer(path: string, answer: CannedAnswer, times?: number): void
  /** How many requests of that path reached the proxy. */
  seen(path: string): number
  lastHeaders(): IncomingHttpHeaders
  forget(): void
  stop(): Promise<void>
}

type Fault = { readonly path: string } & ({ readonly kind: 'lose' | 'cut' } | CannedAnswer)

/** Without `target`, only canned answers can be given. */
export async function startFaultyProxy(target?: string): Promise<FaultyProxy> {
  const faults: Fault[] = []
  const paths: string[] = []
  let headers: IncomingHttpHeaders = {}
  const takeFault = (path: string): Fault | undefined => {
    const index = faults.findIndex((fault) => path.includes(fault.path))
    return index < 0 ? undefined : faults.splice(index, 1)[0]
  }
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? ''
    paths.push(path)
    headers = incoming.headers
    const fault = takeFault(path)
    if (fault !== undefined && 'status' in fault) {
      incoming.resume()
      outgoing.writeHead(fault.status, fault.headers).end(fault.body)
      return
    }
    forward(new URL(path, target), incoming, outgoing, fault?.kind)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const add = (fault: Fault, times: number) => faults.push(...Array.from({ length: times }, () => fault))
  return {
    uri: `http://127.0.0.1:${address.port}`,
    loseAnswers: (path, times) => add({ path, kind: 'lose' }, times),
    cutAnswers: (path, times) => add({ path, kind: 'cut' }, times),
    answer: (path, answer, times = 1) => add({ path, ...answer }, times),
    seen: (path) => paths.filter((seen) => seen.includes(path)).length,
    lastHeaders: () => headers,
    forget: () => faults.splice(0),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function forward(
  url: URL,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: 'lose' | 'cut' | undefined,
): void {
  const headers = { ...incoming.headers, host: url.host }
  const onward = request(url, { method: incoming.method, headers }, (answer) => {
    const parts: Buffer[] = []
    answer.on('data', (part: Buffer) => parts.push(part))
    answer.on('end', () => {
      const body = Buffer.concat(parts)
      if (fault === 'lose') {
        outgoing.destroy()
        return
      }
      const { 'transfer-encoding': _, ...others } = answer.headers
      outgoing.writeHead(answer.statusCode ?? 502, { ...others, 'content-length': body.length })
      if (fault === 'cut') outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy())
      else outgoing.end(body)
    })
  })
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}
