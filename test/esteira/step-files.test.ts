import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@esteira/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { synthCommand } from '../../packages/esteira/src/commands/synth.js'
import { checkStepFiles } from '../../packages/esteira/src/step-files.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-steps-'))
  await mkdir(join(folder, 'steps'))
  for (const name of ['ingest_raw.js', 'train_model.js']) await writeFile(join(folder, 'steps', name), '')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const configText = (...commands: readonly string[]) =>
  [
    'project_name: shop',
    'description: d',
    'version: 1.0.0',
    'batch:',
    '  enabled: true',
    '  orchestrator: step_functions',
    '  pipeline:',
    '    steps:',
    ...commands.map((command, index) => `      - { id: step_${index}, name: s, command: ${JSON.stringify(command)} }`),
  ].join('\n')

const check = (...commands: readonly string[]) => {
  const config = parseConfig(configText(...commands), 'config.yaml')
  return checkStepFiles('projects/shop', [...config.workflows.values()], folder)
}

describe('the files of steps', () => {
  it('are refused where they are not there, all at once, with the nearest', async () => {
    await expect(
      check('node steps/ingest_raw.js', 'node steps/train_modle.js --x 1', 'node other/y.js'),
    ).rejects.toMatchObject({
      code: 'ESTEIRA_CONFIG',
      message: [
        `${join('projects/shop', 'config.yaml')}: commands name files that are not there:`,
        '  workflow default, step step_1: there is no file steps/train_modle.js; did you mean steps/train_model.js?',
        '  workflow default, step step_2: there is no file other/y.js',
      ].join('\n'),
      hint: expect.stringContaining(`looked for from ${folder}`),
    })
    await expect(check('node steps')).rejects.toMatchObject({ code: 'ESTEIRA_CONFIG' })
  })

  it('are those of Node alone, as Node looks for them', async () => {
    await expect(
      check(
        'node steps/ingest_raw.js --feature-dates training',
        'node steps/train_model',
        'node --max-old-space-size=100 steps/nope.js',
        'node -e 1',
        'python steps/nope.py',
        `node ${join(folder, 'steps/train_model.js')}`,
      ),
    ).resolves.toBeUndefined()
  })

  it('are looked at before a state machine is written', async () => {
    await writeFile(join(folder, 'config.yaml'), configText('node steps/ingest_rw.js'))
    await expect(synthCommand({ project: folder, out: join(folder, 'out') })).rejects.toMatchObject({
      code: 'ESTEIRA_CONFIG',
      message: expect.stringMatching(
        /a command names a file that is not there:\n.*did you mean steps\/ingest_raw\.js\?$/,
      ),
    })
    await writeFile(join(folder, 'config.yaml'), configText('node steps/ingest_raw.js'))
    expect(await synthCommand({ project: folder, out: join(folder, 'out') })).toHaveLength(1)
  })
})
