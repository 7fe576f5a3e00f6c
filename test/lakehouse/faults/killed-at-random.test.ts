import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openTestLakehouse, type TestLakehouse } from '../test-lakehouse.js'
import { type Program, startProgram } from './program.js'
import { afterChange, COLUMNS, type Rows } from './programs/changes.js'
import { seededRandom } from './programs/random.js'
import { digestOf, expectedDigest, pyIcebergDigest } from './table-digest.js'
import { filesInFolder, filesNeeded } from './table-files.js'

const TABLE = 'bronze.t'
const KILLS = 200
const TABLES = 4
/** Some five changes long. */
const LONGEST_LIFE_MS = 120

describe('a writer killed at any moment', () => {
  it(`${KILLS} times, leaves the table as before or as after, and the next one goes on`, {
    timeout: 900_000,
  }, async () => {
    const lanes = Array.from({ length: 2 }, async (_, lane) => {
      for (let index = lane; index < TABLES; index += 2) await killOften(index, KILLS / TABLES)
    })
    await Promise.all(lanes)
  })
})

/** What the table must hold after the changes that went through. */
interface Story {
  readonly changes: number
  readonly rows: Rows
}

async function killOften(seed: number, times: number): Promise<void> {
  const random = seededRandom(seed)
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable(TABLE, { columns: COLUMNS })
  let story: Story = { changes: 0, rows: new Map() }
  let next = startWriter(test)
  for (let time = 0; time < times; time++) {
    const writer = next
    const lastDone = await killLater(writer, story.changes, random() * LONGEST_LIFE_MS)
    if (time + 1 < times) next = startWriter(test)
    story = await stateFound(test, story, lastDone)
  }
  await checkHistory(test)
  await checkLeftovers(test, story)
}

function startWriter({ home }: TestLakehouse): Program {
  return startProgram('change-until-killed', [home, TABLE])
}

/** Lets a writer go on from a change, kills it, and gives how many changes it said were done. */
async function killLater(writer: Program, from: number, lifeMs: number): Promise<number> {
  await writer.says('ready')
  writer.child.stdin.write(`${from}\n`)
  await setTimeout(lifeMs)
  writer.child.kill('SIGKILL')
  const { code, output } = await writer.ended
  expect([code, output]).toEqual(['SIGKILL', expect.stringMatching(/^ready\n(done \d+\n)*$/)])
  return from + output.split('done').length - 1
}

/** The table holds what its writer said is done, or one change more; nothing else. */
async function stateFound({ rows }: TestLakehouse, story: Story, done: number): Promise<Story> {
  const before = advance(story, done)
  const after = advance(before, done + 1)
  const found = await digestOf(rows, TABLE)
  const [asBefore, asAfter] = [expectedDigest(before.rows), expectedDigest(after.rows)]
  expect([asBefore, asAfter]).toContainEqual(found)
  return found.join() === asBefore.join() ? before : after
}

function advance(story: Story, changes: number): Story {
  let { rows } = story
  for (let n = story.changes; n < changes; n++) rows = afterChange(rows, n)
  return { changes, rows }
}

async function checkHistory({ lakehouse }: TestLakehouse): Promise<void> {
  const snapshots = await lakehouse.snapshots(TABLE)
  const commits = snapshots.map(({ summary }) => Number(summary['esteira.commit-id']?.replace('change-', '')))
  expect(commits).toEqual([...new Set(commits)].sort((a, b) => a - b))
  expect(snapshots.slice(1).map(({ parentId }) => parentId)).toEqual(
    snapshots.slice(0, -1).map(({ snapshotId }) => snapshotId),
  )
}

/** Whatever the killed writers left is found, nothing else is, and after it has gone the table is the same. */
async function checkLeftovers({ lakehouse, home, rows }: TestLakehouse, story: Story): Promise<void> {
  const olderThan = new Date(Date.now() + 60_000)
  const needed = await filesNeeded(home, TABLE)
  const leftOver = (await filesInFolder(home, TABLE)).filter((path) => !needed.includes(path))
  const { files } = await lakehouse.removeOrphans(TABLE, { olderThan })
  expect(files.map(({ path }) => path.replace('file://', '')).sort()).toEqual(leftOver)
  await lakehouse.removeOrphans(TABLE, { olderThan, dryRun: false })
  expect((await filesInFolder(home, TABLE)).filter((path) => !needed.includes(path))).toEqual([])
  expect(await digestOf(rows, TABLE)).toEqual(expectedDigest(story.rows))
  expect(await pyIcebergDigest(home, TABLE)).toEqual(expectedDigest(story.rows))
}
