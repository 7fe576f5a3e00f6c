import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { tableRule } from '@esteira/core'
import { loadProject } from 'esteira'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const text = await readFile(join(root, 'docs/validation.md'), 'utf8')
const [, program = ''] = /^```ts\n(.*?)^```/ms.exec(text) ?? []

describe('the page on validation', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'esteira-validation-docs-'))
    await writeFile(join(folder, 'project.ts'), program)
    await writeFile(join(folder, 'config.yaml'), await readFile(join(root, 'test/fixtures/projects/tiny/config.yaml')))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('has a project that loads, with the rules it speaks of', async () => {
    const { view } = (await loadProject(folder)).definition
    expect(view.rules).toEqual({
      orders_30d: { maxNullShare: 0, min: 0 },
      max_value_30d: { maxNullShare: 0.4, min: 0, max: 10_000, atMost: 0.01 },
      kind: { maxNullShare: 1, allowed: ['coffee', 'tea'], severity: 'warning' },
    })
    expect(view.tableRules.map(({ name, severity }) => `${name} ${severity}`)).toEqual([
      'max_is_not_below_min error',
      'references_customer_id error',
      'row_count error',
      'fresh_3d warning',
    ])
  })

  it('names every rule there is, and its defaults', () => {
    const named = [...text.matchAll(/^\| `tableRule\.(\w+)\(/gm)].map(([, name]) => name)
    expect(named.sort()).toEqual(Object.keys(tableRule).sort())
    const rule = tableRule.rowCount()
    expect(rule).toMatchObject({ last: 5, below: 0.5, above: 1 })
    expect(text).toContain('the `last` published dates before it (5): at most `below` (0.5) fewer, `above` (1) more')
  })
})
