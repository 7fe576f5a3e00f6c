import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { environmentPython, pythonEnvironmentIsReady } from '../../scripts/setup/python-environment.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Python of the pinned test environment (`test/services/requirements.txt`).
 * @throws Error telling how to build the environment when there is none.
 */
export function pythonPath(): string {
  if (!pythonEnvironmentIsReady(root)) {
    throw new Error('the Python environment of the tests is not built; run: node scripts/setup.js --test')
  }
  return environmentPython(root)
}

/**
 * Runs a Python program, given as text, and gives what it printed to standard output.
 * `args` are its `sys.argv[1:]`, `input` is its standard input.
 * @throws Error with the program's standard error when it ends with anything but 0.
 */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  options: { readonly input?: string } = {},
): Promise<string> {
  const child = spawn(pythonPath(), ['-c', script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '', PYTHONIOENCODING: 'utf-8' },
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  child.stdin.on('error', () => {}) // a program may end without reading its input
  child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new Error(`Python ended with ${code ?? signal}:\n${errors.trim()}`))
    })
  })
}
