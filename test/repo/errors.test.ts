import { ERROR_CODES } from '@esteira/core'
import { expect, it } from 'vitest'
import { packageNames, readText, sourceFiles } from './repository.js'

const page = readText('docs/errors.md')
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section]),
)

it('explains every error code, and only codes that exist', () => {
  expect([...sections.keys()].sort()).toEqual(Object.keys(ERROR_CODES).sort())
})

it.each(Object.entries(ERROR_CODES))('gives %s its exit code, meaning and next step', (code, exitCode) => {
  const section = sections.get(code) ?? ''
  expect(section).toContain(`Exit ${exitCode}.`)
  expect(section).toMatch(/\*\*Meaning\.\*\* \S+/)
  expect(section).toMatch(/\*\*What to do\.\*\* \S+/)
})

it('mentions only codes that exist, in the sources too', () => {
  const texts = [page, ...packageNames().flatMap((name) => sourceFiles(`packages/${name}/src`).map(readText))]
  const thrown = texts.flatMap((text) => text.match(/(?<=EsteiraError\(\s*['"])\w+/g) ?? [])
  expect(thrown.filter((code) => !(code in ERROR_CODES))).toEqual([])
})
