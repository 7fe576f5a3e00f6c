import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const names = readdirSync(new URL('../../packages', import.meta.url)).map((name) =>
  name === 'esteira' ? name : `@esteira/${name}`,
)

const hooks = `export async function resolve(specifier, context, next) {
  const heavy = /^(@duckdb|libsql|koffi|@tensorflow|undici|@polyglot-sql|apache-arrow|esbuild|ml-random-forest)(\\/|$)/
  if (heavy.test(specifier)) throw new Error(specifier + ' is loaded too early')
  return next(specifier, context)
}`
/** Node options that make every import of a heavy library fail. */
const refuseHeavy = [
  '--import',
  asModule(`import { register } from 'node:module'; register(${JSON.stringify(asModule(hooks))})`),
]

function asModule(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`
}

/** What a CommonJS program prints, from JSON: notebooks load packages by `require`. */
async function runCommonJs(program: string, nodeOptions: readonly string[] = []): Promise<unknown> {
  const options = { cwd: root, env: { PATH: process.env['PATH'] } }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...nodeOptions, '--input-type=commonjs', '-e', program],
    options,
  )
  return JSON.parse(stdout)
}

it.each(names)('%s gives the same names to require as to import, and loads no heavy library', async (name) => {
  const print = '(all) => process.stdout.write(JSON.stringify(Object.keys(all).sort()))'
  const [required, imported] = await Promise.all([
    runCommonJs(`(${print})(require('${name}'))`),
    runCommonJs(`import('${name}').then(${print})`, refuseHeavy),
  ])
  expect((required as string[]).filter((key) => key !== '__esModule')).toEqual(imported)
  expect(imported).not.toEqual([])
})

it('notices a heavy library that is imported', async () => {
  await expect(runCommonJs(`import('esbuild').then(() => console.log('"imported"'))`, refuseHeavy)).rejects.toThrow(
    'esbuild is loaded too early',
  )
})
