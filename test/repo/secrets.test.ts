import { expect, it } from 'vitest'
import { readText, repositoryFiles } from './repository.js'

/** Built from parts, so that this file does not hold what it looks for. */
const MACHINE_PATH = new RegExp(`(?<![\\w.$}~/-])/(?:${['work', 'tmp', 'root', 'Users'].join('|')})/[\\w.-]`, 'g')
const PRIVATE_HOST =
  /\b[\w-]+\.(?:corp|lan|intranet|localdomain)\b|\b(?:10|192\.168)\.\d{1,3}\.\d{1,3}(?:\.\d{1,3})?\b(?=:|\/)/g
const SECRETS: Readonly<Record<string, RegExp>> = {
  'AWS access key': /\b(?:AKIA|ASIA)(?!IOSFODNN7EXAMPLE)[0-9A-Z]{16}\b/g,
  'private key': new RegExp(`-----BEGIN [A-Z ]*${'PRIVATE'} KEY-----`, 'g'),
  'GitHub token': /\bgh[pousr]_[A-Za-z0-9]{36}\b/g,
  'npm token': /_authToken=[^\s|]{8}|\bnpm_[A-Za-z0-9]{36}\b/g,
  'Slack address': /hooks\.slack\.com\/services\/T[0-9A-Z]{8}/g,
  'credentials in an address': /\b[a-z]+:\/\/[^\s/:@'"`{$<]+:(?!(?:pass(?:word)?|secret)@)[^\s/:@'"`{$<]+@[\w.-]+/g,
}
const BINARY = /\.(parquet|avro|png|jpe?g|gz|zip|db|onnx|ubj|wasm|ico|woff2?)$/

const texts = repositoryFiles()
  .filter((path) => !BINARY.test(path))
  .map((path) => ({ path, text: readText(path) }))

function findings(pattern: RegExp): readonly string[] {
  return texts.flatMap(({ path, text }) => (text.match(pattern) ?? []).map((found) => `${path}: ${found.slice(0, 60)}`))
}

it('holds no path of the machine it was written on', () => {
  expect(findings(MACHINE_PATH)).toEqual([])
})

it('names no host of a private network', () => {
  expect(findings(PRIVATE_HOST)).toEqual([])
})

it.each(Object.entries(SECRETS))('holds no %s', (_, pattern) => {
  expect(findings(pattern)).toEqual([])
})

it('recognises what it looks for', () => {
  const sample = (folder: string) => `see ${['', folder, 'x'].join('/')}`
  expect(['work', 'tmp', 'root'].every((folder) => sample(folder).match(MACHINE_PATH)?.length === 1)).toBe(true)
  expect('docs/work/x and s3://bucket/tmp/x and ~/work/x'.match(MACHINE_PATH)).toBeNull()
  expect(['AKIA', 'ABCDEFGHIJKLMNOP'].join('').match(SECRETS['AWS access key'] ?? /$^/)).toHaveLength(1)
  expect(['build.', 'corp'].join('').match(PRIVATE_HOST)).toHaveLength(1)
})

it('ignores what is made on a machine', () => {
  const made = repositoryFiles().filter((path) => /(^|\/)(node_modules|dist|\.esteira[^/]*|\.env)(\/|$)/.test(path))
  expect(made).toEqual([])
})
