import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EsteiraError } from '@esteira/core'
import { type Environment, readEnvironment } from '../environment.js'
import { openLakehouse, openMlflow, openObjects } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style } from '../terminal/style.js'

export interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly found: string
  /** The command that mends it. */
  readonly mend?: string
}

/** `esteira doctor`: what this machine lacks, with the command that mends it. Returns true when nothing is missing. */
export async function doctorCommand({ json }: { readonly json: boolean }): Promise<boolean> {
  const findings = [
    await checkNode(),
    await checkPython(),
    await checkXgboost(),
    await checkHome(),
    await checkDuckDb(),
    await checkMlflow(),
  ]
  const ok = findings.every((finding) => finding.ok)
  if (json) {
    printDocument({ ok, findings })
    return ok
  }
  for (const { name, ok: fine, found, mend } of findings) {
    print(`${fine ? style.green('✓') : style.red('✗')} ${name.padEnd(12)} ${found}`)
    if (mend !== undefined) print(`  ${''.padEnd(12)} ${mend}`)
  }
  return ok
}

const MIN_NODE = [20, 19] as const

async function checkNode(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const ok = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])
  return {
    name: 'Node',
    ok,
    found: process.versions.node,
    ...(!ok && { mend: `install Node ${MIN_NODE.join('.')} or newer` }),
  }
}

async function checkPython(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)('python3', ['--version'])
    return { name: 'Python', ok: true, found: stdout.trim() }
  } catch {
    return {
      name: 'Python',
      ok: false,
      found: 'python3 is not on the PATH (set-up and tests need it)',
      mend: 'apt-get install python3 python3-venv',
    }
  }
}

async function checkXgboost(): Promise<Finding> {
  try {
    const { findXgboost } = await import('@esteira/models')
    const { xgboostLibrary } = readEnvironment()
    return {
      name: 'libxgboost',
      ok: true,
      found: findXgboost(xgboostLibrary === undefined ? {} : { override: xgboostLibrary }),
    }
  } catch (error) {
    return { name: 'libxgboost', ok: false, found: messageOf(error), mend: 'npm run setup' }
  }
}

const LEAST_FREE_BYTES = 1e9

async function checkHome(): Promise<Finding> {
  const environment = readEnvironment()
  const { home, s3 } = environment
  if (s3 !== undefined) return checkS3Home(environment)
  try {
    await mkdir(home, { recursive: true })
    await access(home, constants.W_OK)
    const { bavail, bsize } = await statfs(home)
    const free = bavail * bsize
    const found = `${home}, ${(free / 1e9).toFixed(1)} GB free`
    return {
      name: 'home',
      ok: free > LEAST_FREE_BYTES,
      found,
      ...(free <= LEAST_FREE_BYTES && { mend: 'free some space, or set ESTEIRA_HOME to another disk' }),
    }
  } catch (error) {
    return { name: 'home', ok: false, found: messageOf(error), mend: 'set ESTEIRA_HOME to a folder you may write to' }
  }
}

async function checkS3Home(environment: Environment): Promise<Finding> {
  try {
    const objects = await openObjects(environment, () => mkdtemp(join(tmpdir(), 'esteira-')))
    // There need not be such an object: the answer shows that the bucket is there and may be read.
    await objects.get('doctor')
    return { name: 'home', ok: true, found: objects.root }
  } catch (error) {
    const hint = error instanceof EsteiraError ? error.hint : undefined
    return { name: 'home', ok: false, found: messageOf(error), mend: hint ?? 'check ESTEIRA_HOME' }
  }
}

async function checkDuckDb(): Promise<Finding> {
  try {
    const lakehouse = await openLakehouse(readEnvironment())
    const tables = await lakehouse.tables()
    await lakehouse.close()
    await lakehouse.engine.close()
    return { name: 'lakehouse', ok: true, found: `${tables.length} tables` }
  } catch (error) {
    return { name: 'lakehouse', ok: false, found: messageOf(error), mend: 'npm run setup' }
  }
}

async function checkMlflow(): Promise<Finding> {
  try {
    const mlflow = await openMlflow(readEnvironment())
    const names = await mlflow.registry.modelNames()
    await mlflow.close()
    return { name: 'MLflow', ok: true, found: `${mlflow.tracking.uri}, ${names.length} models` }
  } catch (error) {
    return {
      name: 'MLflow',
      ok: false,
      found: messageOf(error),
      mend: 'check MLFLOW_TRACKING_URI, or unset it to use the local file',
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
