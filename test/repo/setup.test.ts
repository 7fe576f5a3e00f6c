import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastLines, packageToolFailure } from '../../scripts/setup/failure.js'
import { acquireLock } from '../../scripts/setup/lock.js'
import { runCommand } from '../../scripts/setup/run-command.js'
import { root } from './repository.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'esteira-setup-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('acquireLock', () => {
  it('lets one process in at a time, and leaves nothing behind', async () => {
    const order: string[] = []
    const release = await acquireLock(folder, () => order.push('first waits'))
    const second = acquireLock(folder, (owner) => order.push(`second waits for ${owner}`)).then((done) => {
      order.push('second is in')
      return done
    })
    await expect.poll(() => order).toEqual([`second waits for ${process.pid}`])
    order.push('first leaves')
    release()
    release()
    const releaseSecond = await second
    releaseSecond()
    expect(order).toEqual([`second waits for ${process.pid}`, 'first leaves', 'second is in'])
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes over the lock of a process that is gone', async () => {
    const gone = await endedProcess()
    mkdirSync(join(folder, '.esteira-setup-lock'))
    const owner = { pid: gone, host: hostname(), token: 'gone' }
    writeFileSync(join(folder, '.esteira-setup-lock', 'owner.json'), JSON.stringify(owner))
    const waited: number[] = []
    const releases = [acquireLock(folder, (pid) => waited.push(pid)), acquireLock(folder, (pid) => waited.push(pid))]
    const first = await Promise.race(releases)
    first()
    for (const release of await Promise.all(releases)) release()
    expect(waited.every((pid) => pid === process.pid)).toBe(true)
    expect(readdirSync(folder)).toEqual(['.esteira-setup-lock-stale-gone'])
  })
})

/** Process id of a process that has ended. */
async function endedProcess(): Promise<number> {
  const { output } = await runCommand(process.execPath, ['-p', 'process.pid'])
  return Number(output)
}

describe('packageToolFailure', () => {
  it.each([
    ['npm error code ENOTFOUND', 75, 'could not be reached'],
    ['ERROR: No matching distribution found (from versions: none)', 75, 'could not be reached'],
    ['OSError: [Errno 28] No space left on device', 75, 'disk is full'],
    ['error: command gcc failed', 70, 'gcc'],
  ])('tells causes apart: %s', (output, exitCode, text) => {
    const failure = packageToolFailure('pip install', output, 'Look at it.')
    expect(failure.exitCode).toBe(exitCode)
    expect(failure.message).toContain(text)
    expect(failure.hint).not.toBe('')
  })

  it('repeats no address, which may hold a password', () => {
    expect(lastLines('one\n\nGET https://user:secret@index.example/simple failed\n', 5)).toBe(
      '  one\n  GET <address> failed',
    )
  })
})

describe('runCommand', () => {
  it('reports how a program ended and what it printed, also when there is no such program', async () => {
    const program = 'process.stdout.write("a"); process.exitCode = 3'
    expect(await runCommand(process.execPath, ['-e', program])).toEqual({ code: 3, output: 'a' })
    expect((await runCommand(join(folder, 'no-such-program'), [])).code).toBe(127)
  })
})

describe('count-tests', () => {
  it('adds up reports; a file that did not load and a report that is missing are failures', () => {
    const passed = { status: 'passed', assertionResults: [{ status: 'passed' }] }
    const failed = { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] }
    const broken = { status: 'failed', assertionResults: [] }
    const write = (name: string, report: object) => writeFileSync(join(folder, name), JSON.stringify(report))
    write('a.json', { numPassedTests: 2, numFailedTests: 1, testResults: [passed, failed, broken] })
    write('b.json', { numPassedTests: 1, numFailedTests: 0, testResults: [passed] })
    const reports = ['a.json', 'b.json', 'missing.json'].map((name) => join(folder, name))
    const script = join(root, 'scripts', 'count-tests.js')
    expect(execFileSync(process.execPath, [script, ...reports], { encoding: 'utf8' })).toBe('3 passed, 3 failed\n')
  })
})
