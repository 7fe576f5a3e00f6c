import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Commit, type Lakehouse, toRows } from '@esteira/core'
import { type DuckDbEngine, type LocalLakehouseOptions, openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'
import { onTestFinished } from 'vitest'

export type Row = Readonly<Record<string, string | number | boolean | null>>

/** An empty folder that goes when the test has ended. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'esteira-lakehouse-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** DuckDB that is closed when the test has ended. */
export async function openTestEngine(): Promise<DuckDbEngine> {
  const engine = await openDuckDb({ threads: 2 })
  onTestFinished(() => engine.close())
  return engine
}

export interface TestLakehouse {
  readonly home: string
  readonly engine: DuckDbEngine
  readonly lakehouse: Lakehouse
  /** Rows of a SELECT in which `{name}` stands for a table. */
  readonly rows: (sql: string) => Promise<Row[]>
}

/** A lakehouse in a new folder, or in the given one. */
export async function openTestLakehouse(options: Partial<LocalLakehouseOptions> = {}): Promise<TestLakehouse> {
  const home = options.home ?? (await temporaryFolder())
  const engine = options.engine ?? (await openTestEngine())
  const lakehouse = await openLocalLakehouse({ newId: randomUUID, now: () => new Date(), ...options, home, engine })
  onTestFinished(() => lakehouse.close())
  const rows = async (sql: string) => {
    let text = sql
    for (const [mark, name] of sql.matchAll(/\{([\w.]+)\}/g)) {
      text = text.replace(mark, await lakehouse.relation(name ?? ''))
    }
    return toRows(await engine.query(text))
  }
  return { home, engine, lakehouse, rows }
}

/** A commit of its own, or the one of that id. */
export function commit(commitId: string = randomUUID()): Commit {
  return { commitId, runId: 'run-1' }
}
