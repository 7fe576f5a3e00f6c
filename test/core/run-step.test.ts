import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { root } from '../services/esteira-command.js'

// What ends a process is tested in a process of its own, which loads the built package.
const core = pathToFileURL(`${root}/packages/core/dist/index.js`).href

/** A process whose whole program is `runStep('probe', body)`. */
function probe(body: string, options = '{}') {
  const program = `import { EsteiraError, runStep } from ${JSON.stringify(core)}; await runStep('probe', ${body}, ${options})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const ready = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      resolve()
    })
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal, stdout, stderr }))
  return { ready, ended, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}

const lastLine = (text: string) => JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>

describe.concurrent('runStep', () => {
  it('ends with 0 and says nothing when the body returns', async () => {
    expect(await probe('async () => {}').ended).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  it.each([
    ['ESTEIRA_USAGE', 64],
    ['ESTEIRA_NO_DATA', 65],
    ['ESTEIRA_STEP_FAILED', 70],
    ['ESTEIRA_DISK_FULL', 75],
  ])('ends with the exit code of %s', async (code, exit) => {
    const { code: found } = await probe(`async () => { throw new EsteiraError('${code}', 'no') }`).ended
    expect(found).toBe(exit)
  })

  it('writes an error as one JSON line with code, hint and details where there is no terminal', async () => {
    const body = `async () => { throw new EsteiraError('ESTEIRA_TARGET', 'one class', { hint: 'Take more.', details: { column: 'y' } }) }`
    const { stderr } = await probe(body).ended
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(lastLine(stderr)).toMatchObject({
      level: 'error',
      step: 'probe',
      code: 'ESTEIRA_TARGET',
      msg: 'one class',
      hint: 'Take more.',
      details: { column: 'y' },
      exitCode: 65,
    })
  })

  it('writes an error as people read it when the command is for people', async () => {
    const body = `async () => { throw new EsteiraError('ESTEIRA_TARGET', 'one class', { hint: 'Take more.' }) }`
    const { stderr } = await probe(body, "{ log: 'text' }").ended
    expect(stderr).toBe(
      '✗ probe   one class\n  Take more.\n  exit 65 · ESTEIRA_TARGET · docs/errors.md#esteira_target\n',
    )
  })

  it('logs as text for people and leaves progress out of a pipe', async () => {
    const body = `async ({ logger }) => { logger.info('read', { rows: 12000 }); logger.warn('odd'); logger.progress('work', 1, 2) }`
    expect((await probe(body, "{ log: 'text' }").ended).stderr).toBe('  read · rows 12,000\n! odd\n')
  })

  it('turns an unexpected error into a defect with the place to report, and no stack', async () => {
    const { code, stderr } = await probe(`async () => { throw new TypeError('x is not a function') }`).ended
    expect(code).toBe(70)
    const line = lastLine(stderr)
    expect(line).toMatchObject({ code: 'ESTEIRA_INTERNAL', msg: expect.stringContaining('x is not a function') })
    expect(String(line['hint']).match(/ at /g)?.length ?? 0).toBeLessThanOrEqual(1)
  })

  it.each([
    ['ENOSPC', 'ESTEIRA_DISK_FULL', 75],
    ['EFBIG', 'ESTEIRA_DISK_FULL', 75],
    ['EACCES', 'ESTEIRA_ACCESS_DENIED', 64],
    ['EROFS', 'ESTEIRA_ACCESS_DENIED', 64],
  ])('takes the system error %s for what it is', async (system, code, exit) => {
    const body = `async () => { throw Object.assign(new Error('${system}: write'), { code: '${system}' }) }`
    const ended = await probe(body).ended
    expect(ended.code).toBe(exit)
    expect(lastLine(ended.stderr)).toMatchObject({ code, exitCode: exit })
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('lets the body stop at %s and ends with 75', async (signal) => {
    const body = `({ logger, signal }) => new Promise((resolve, reject) => {
      const alive = setInterval(() => {}, 1000)
      signal.addEventListener('abort', () => { clearInterval(alive); reject(signal.reason) })
      logger.info('ready')
    })`
    const step = probe(body)
    await step.ready
    step.kill(signal)
    const { code, stderr } = await step.ended
    expect(code).toBe(75)
    expect(lastLine(stderr)).toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
  })

  it('counts work that was done before it saw the signal as done', async () => {
    const body = `({ logger, signal }) => new Promise((resolve) => {
      const alive = setInterval(() => {}, 1000)
      signal.addEventListener('abort', () => { clearInterval(alive); resolve() })
      logger.info('ready')
    })`
    const step = probe(body)
    await step.ready
    step.kill('SIGTERM')
    expect((await step.ended).code).toBe(0)
  })

  it('ends at once at a second Ctrl-C', async () => {
    const body = `({ logger, signal }) => new Promise(() => {
      setInterval(() => {}, 1000)
      signal.addEventListener('abort', () => process.kill(process.pid, 'SIGINT'))
      logger.info('ready')
    })`
    const step = probe(body)
    await step.ready
    step.kill('SIGINT')
    expect((await step.ended).code).toBe(75)
  })

  it('reports a write beyond the limit on file sizes instead of being killed', async () => {
    const body = `async () => {
      process.kill(process.pid, 'SIGXFSZ')
      await new Promise((resolve) => setImmediate(resolve))
    }`
    expect(await probe(body).ended).toMatchObject({ code: 0, signal: null })
  })

  it('writes all of a large output before it ends', async () => {
    const { stdout } = await probe(`async () => { process.stdout.write('x'.repeat(2_000_000)) }`).ended
    expect(stdout).toHaveLength(2_000_000)
  })
})
