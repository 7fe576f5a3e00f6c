import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseConfig } from '@esteira/core'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

describe('docs/configuration.md', () => {
  it('shows a config.yaml that is accepted', async () => {
    const page = await readFile(join(root, 'docs/configuration.md'), 'utf8')
    const sample = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? ''
    const config = parseConfig(sample, 'docs/configuration.md')
    expect([...config.workflows.keys()]).toEqual(['training', 'inference'])
    expect(config.workflows.get('inference')?.steps[0]?.branch).toEqual({
      on: 'drift',
      to: 'handle_drift',
      else: 'end',
    })
  })
})
