import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { icebergRead } from 'icebird'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { commit, openTestLakehouse } from './test-lakehouse.js'

/** icebird reads by fetch, which knows no `file:`; such addresses go to a server of plain files. */
async function serveFiles(): Promise<void> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    const match = /^bytes=(\d+)-(\d+)?$/.exec(request.headers.range ?? '')
    const range =
      match === null ? {} : { start: Number(match[1]), ...(match[2] === undefined ? {} : { end: Number(match[2]) }) }
    response.statusCode = match === null ? 200 : 206
    createReadStream(path, range).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { fetch } = globalThis
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) =>
    fetch(url.replace('file://', `http://127.0.0.1:${port}`), init),
  )
  onTestFinished(() => {
    vi.unstubAllGlobals()
    server.closeAllConnections()
    server.close()
  })
}

describe('icebird, a second reader in JavaScript', () => {
  it('reads appended and replaced rows of a partitioned table', async () => {
    await serveFiles()
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', {
      columns: [
        { name: 'id', type: 'long' },
        { name: 'day', type: 'date' },
        { name: 'amount', type: 'double' },
        { name: 'name', type: 'string' },
      ],
      partitionBy: [{ column: 'day', transform: 'month' }],
    })
    const rows =
      "SELECT range AS id, DATE '2024-01-01' + range::INTEGER AS day, range / 4 AS amount, CASE WHEN range % 5 = 0 THEN NULL ELSE 'n' || range END AS name FROM range(60)"
    await lakehouse.append('silver.t', rows, commit())
    await lakehouse.replace(
      'silver.t',
      [{ column: 'id', op: '<', value: 10 }],
      "SELECT 1000 AS id, DATE '2023-12-31' AS day, 0.5 AS amount",
      commit(),
    )
    const folder = join(home, 'lakehouse', 'silver', 't')
    const latest =
      readdirSync(join(folder, 'metadata'))
        .filter((name) => name.endsWith('.json'))
        .sort()
        .at(-1) ?? ''
    const metadata = JSON.parse(readFileSync(join(folder, 'metadata', latest), 'utf8'))
    const read = await icebergRead({ tableUrl: `file://${folder}`, metadata })
    expect(read).toHaveLength(51)
    expect(read.reduce((sum, { id }) => sum + Number(id), 0)).toBe(1770 - 45 + 1000)
    expect(read.reduce((sum, { amount }) => sum + Number(amount), 0)).toBe((1770 - 45) / 4 + 0.5)
    expect(read.filter(({ name }) => name === null || name === undefined)).toHaveLength(10 + 1)
    expect(read.map(({ day }) => (day as Date).toISOString().slice(0, 10)).sort()[0]).toBe('2023-12-31')
  })
})
