import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EsteiraError, type ProjectConfig, parseConfig, readConfig } from '@esteira/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const SAMPLE = `
project_name: churn
description: Who leaves, a quarter ahead
version: 1.0
owners: { tech_owner: ml@example.com, business_owner: crm@example.com }
schedule: { enabled: true, cron: "0 3 * * *", timezone: America/Sao_Paulo, timeout_seconds: 7200, retries: 2 }
runtime:
  python_version: 3.10
  requirements_file: requirements.txt
  env_vars: { LOG_LEVEL: info, PORT: 8080, DEBUG: true, EMPTY: "" }
batch:
  enabled: true
  orchestrator: step_functions
  pipeline:
    steps:
      - id: extract_features
        name: Extract features
        command: node steps/extract_features.js
        resources: { cpu: 2, memory_gb: 4 }
      - id: train_model
        name: Train
        command: [python, train.py, --rounds, 100]
        resources: { cpu: 0.25, memory_gb: 0.5 }
        retries: 0
        timeout_seconds: 60
infra:
  compute: { provider: ec2, ec2_type: t3.xlarge, min_quantity: 0, max_quantity: 2, spot: true }
notifications:
  on_success: ml@example.com
  on_failure: [ml@example.com, "slack:#ml-alerts"]
`

const SMALL = `
project_name: small
version: 0.1.0
batch:
  pipelines:
    training:
      schedule: { cron: "0 2 * * *" }
      steps:
        - { id: train, command: node train.js }
    inference:
      schedule: { cron: "0 */6 * * *", timezone: UTC, retries: 5 }
      steps:
        - { id: score, command: node score.js, shards: 4 }
        - { id: detect_drift, command: node drift.js, branch: { on: drift, to: handle_drift, else: end } }
        - { id: handle_drift, command: node handle.js }
`

describe('parseConfig', () => {
  test('accepts every field of the requirements and fills the defaults', () => {
    const config = parseConfig(SAMPLE, 'config.yaml')
    expect(config).toEqual({
      projectName: 'churn',
      description: 'Who leaves, a quarter ahead',
      version: '1.0',
      owners: { techOwner: 'ml@example.com', businessOwner: 'crm@example.com' },
      runtime: {
        language: 'python',
        version: '3.10',
        requirementsFile: 'requirements.txt',
        environment: { LOG_LEVEL: 'info', PORT: '8080', DEBUG: 'true', EMPTY: '' },
      },
      enabled: true,
      workflows: config.workflows,
      compute: { provider: 'ec2', ec2Type: 't3.xlarge', minQuantity: 0, maxQuantity: 2, spot: true },
      notifications: { onSuccess: ['ml@example.com'], onFailure: ['ml@example.com', 'slack:#ml-alerts'] },
    } satisfies ProjectConfig)
    expect([...config.workflows.keys()]).toEqual(['default'])
    expect(config.workflows.get('default')).toEqual({
      name: 'default',
      schedule: { enabled: true, cron: '0 3 * * *', timezone: 'America/Sao_Paulo', timeoutSeconds: 7200, retries: 2 },
      steps: [
        {
          id: 'extract_features',
          name: 'Extract features',
          command: ['node', 'steps/extract_features.js'],
          resources: { cpu: 2, memoryGb: 4 },
          retries: 2,
          timeoutSeconds: 7200,
        },
        {
          id: 'train_model',
          name: 'Train',
          command: ['python', 'train.py', '--rounds', '100'],
          resources: { cpu: 0.25, memoryGb: 0.5 },
          retries: 0,
          timeoutSeconds: 60,
        },
      ],
    })
  })

  test('gives several workflows in the order of the file, each with its own schedule over the top one', () => {
    const config = parseConfig(`schedule: { timezone: America/Sao_Paulo, retries: 1 }\n${SMALL}`, 'config.yaml')
    expect([...config.workflows.keys()]).toEqual(['training', 'inference'])
    expect(config.workflows.get('training')?.schedule).toEqual({
      enabled: true,
      cron: '0 2 * * *',
      timezone: 'America/Sao_Paulo',
      timeoutSeconds: 86_400,
      retries: 1,
    })
    expect(config.workflows.get('inference')?.schedule).toMatchObject({ timezone: 'UTC', retries: 5 })
    expect(config.workflows.get('inference')?.steps[0]).toMatchObject({ shards: 4, retries: 5 })
    expect(config.workflows.get('inference')?.steps[1]?.branch).toEqual({
      on: 'drift',
      to: 'handle_drift',
      else: 'end',
    })
  })

  test('schedules nothing when there is no cron', () => {
    const text = SMALL.replace('schedule: { cron: "0 2 * * *" }', 'schedule: { retries: 0 }')
    expect(parseConfig(text, 'config.yaml').workflows.get('training')?.schedule).toEqual({
      enabled: false,
      timezone: 'UTC',
      timeoutSeconds: 86_400,
      retries: 0,
    })
  })

  test('keeps versions and environment values as written, where YAML reads numbers', () => {
    const text = SMALL.replace(
      'version: 0.1.0',
      'version: 1.10\nruntime: { node_version: 22, env_vars: { A: 1.50, B: 0x1F } }',
    )
    const { version, runtime } = parseConfig(text, 'config.yaml')
    expect(version).toBe('1.10')
    expect(runtime).toEqual({ language: 'node', version: '22', environment: { A: '1.50', B: '0x1F' } })
  })

  test('takes false or nothing for nobody to notify', () => {
    const text = `${SMALL}\nnotifications: { on_success: false, on_failure: }`
    expect(parseConfig(text, 'config.yaml').notifications).toEqual({ onSuccess: [], onFailure: [] })
  })

  test('reads anchors, aliases and merge keys', () => {
    const text = `
project_name: p
version: 1.0.0
batch:
  pipeline:
    steps:
      - &first { id: one, command: node one.js, resources: { cpu: 4 } }
      - { <<: *first, id: two }
`
    const steps = parseConfig(text, 'config.yaml').workflows.get('default')?.steps
    expect(steps?.map((step) => [step.id, step.command.join(' '), step.resources.cpu])).toEqual([
      ['one', 'node one.js', 4],
      ['two', 'node one.js', 4],
    ])
  })
})

describe('readConfig', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'esteira-config-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('reads the file of a project folder', async () => {
    await writeFile(join(folder, 'config.yaml'), `\uFEFF${SMALL}`)
    expect((await readConfig(folder)).projectName).toBe('small')
  })

  test('says that the file is missing, and what to do', async () => {
    const error = await readConfig(folder).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(EsteiraError)
    expect(error).toMatchObject({ code: 'ESTEIRA_CONFIG', hint: expect.stringContaining('esteira init') })
    expect(String(error)).toContain(`${join(folder, 'config.yaml')} does not exist`)
  })
})
