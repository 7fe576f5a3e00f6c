import { EsteiraError, parseConfig } from '@esteira/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const STEPS = `
      - { id: one, command: node one.js }
      - { id: two, command: node two.js }
      - { id: three, command: node three.js }`

function config(change: { top?: string; steps?: string; batch?: string } = {}): string {
  const batch = change.batch ?? `pipeline:\n    steps:${change.steps ?? STEPS}`
  return `project_name: p\nversion: 1.0.0\nbatch:\n  ${batch}\n${change.top ?? ''}`
}

function faultsOf(text: string): string[] {
  try {
    parseConfig(text, 'c.yaml')
  } catch (error) {
    if (!(error instanceof EsteiraError) || error.code !== 'ESTEIRA_CONFIG') throw error
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
  return []
}

describe('the message of a wrong config.yaml', () => {
  test('lists all faults in the order of the file, with line, path, value, expectation and the nearest key', () => {
    const text = `project_name: Churn_Model
version: latest
schedule:
  cron: 61 3 * * *
batch:
  pipelines:
    training:
      steps:
        - id: train_model
          comand: node steps/train_model.js
          command: node steps/train_model.js | tee log
`
    expect(() => parseConfig(text, 'projects/churn/config.yaml')).toThrow(
      `projects/churn/config.yaml has 5 faults:
  projects/churn/config.yaml:1 project_name: expected lower-case letters, digits and single hyphens, a letter first, at most 32, found "Churn_Model"
  projects/churn/config.yaml:2 version: expected a version such as 1.0.0 or 1.2.0-rc.1, found "latest"
  projects/churn/config.yaml:4 schedule.cron: expected a cron expression such as "0 2 * * *": minute: 0 to 59, not "61", found "61 3 * * *"
  projects/churn/config.yaml:10 batch.pipelines.training.steps[0].comand: unknown key, did you mean command?
  projects/churn/config.yaml:11 batch.pipelines.training.steps[0].command: expected a command such as node steps/train_model.js: "|" needs a shell, and none is involved; quote it, or write [sh, -c, "…"], found "node steps/train_model.js | tee log"`,
    )
  })

  test('carries the same as data', () => {
    const error = (() => {
      try {
        return parseConfig(config({ top: 'infra: { compute: { provider: gcp } }' }), 'c.yaml')
      } catch (reason) {
        return reason
      }
    })()
    expect(error).toMatchObject({
      code: 'ESTEIRA_CONFIG',
      details: {
        file: 'c.yaml',
        faults: [{ line: 9, path: 'infra.compute.provider', expected: 'ec2', found: '"gcp"' }],
      },
    })
  })

  test('names the keys there are when none is near', () => {
    expect(faultsOf(config({ top: 'owners: { zzzzzzz: x }' }))).toEqual([
      'c.yaml:9 owners.zzzzzzz: unknown key, expected one of tech_owner, business_owner',
    ])
  })

  test('shortens long values to 40 characters and never shows those of the environment', () => {
    const long = 'x'.repeat(200)
    const [fault = ''] = faultsOf(config({ top: `schedule: { timezone: ${long} }` }))
    expect(/found (.*)$/.exec(fault)?.[1]).toHaveLength(40)
    expect(faultsOf(config({ top: 'runtime: { env_vars: { TOKEN: [s3cret] } }' }))).toEqual([
      'c.yaml:9 runtime.env_vars.TOKEN: expected text ("" when empty)',
    ])
  })
})

describe('what config.yaml refuses', () => {
  const one = (command: string) => `\n      - { id: one, command: ${command} }`
  test.each([
    ['an empty file', '', 'c.yaml:1 (top): expected a mapping of keys to values, found nothing'],
    ['a list', '- a', 'c.yaml:1 (top): expected a mapping of keys to values, found a list'],
    ['both forms of pipelines', config({ batch: `pipelines: {}\n  pipeline:\n    steps:${STEPS}` }), 'not both'],
    ['no pipeline', config({ batch: 'enabled: true' }), 'c.yaml:3 batch: expected pipeline with its steps'],
    ['no steps', config({ steps: ' []' }), 'expected at least one step'],
    ['no command', config({ steps: '\n      - { id: one }' }), 'steps[0].command: expected a command'],
    ['an empty command', config({ steps: one("''") }), 'it names no program'],
    ['an open quote', config({ steps: one(`"node 'x"`) }), 'is never closed'],
    ['a variable', config({ steps: one('node $HOME/x.js') }), '"$" needs a shell'],
    ['an empty list as command', config({ steps: one('[]') }), 'or a list of its words'],
    [
      'a step named end',
      config({ steps: '\n      - { id: end, command: node x.js }' }),
      '"end" means the end of the run',
    ],
    ['ids in capitals', config({ steps: '\n      - { id: Train, command: node x.js }' }), 'snake_case'],
    [
      'the same id twice',
      config({ steps: `${STEPS}\n      - { id: one, command: node x.js }` }),
      'steps[0] has it already',
    ],
    ['a time-out of zero', config({ top: 'schedule: { timeout_seconds: 0 }' }), 'a whole number of seconds of 1 to'],
    [
      'ECS units of cpu',
      config({ steps: '\n      - { id: a, command: x, resources: { cpu: 1024 } }' }),
      'expected vCPUs',
    ],
    ['days of month and of week', config({ top: 'schedule: { cron: 0 0 1 * 1 }' }), 'one of the two must be "*"'],
    ['a cron that never fires', config({ top: 'schedule: { cron: 0 0 30 2 * }' }), 'this one never does'],
    ['a cron of six fields', config({ top: 'schedule: { cron: 0 0 0 1 1 * }' }), 'there are 6'],
    ['an unknown zone', config({ top: 'schedule: { timezone: America/Sao_Paolo }' }), 'expected an IANA time zone'],
    ['a zone in wrong case', config({ top: 'schedule: { timezone: utc }' }), 'expected an IANA time zone'],
    ['an offset as zone', config({ top: 'schedule: { timezone: "-03:00" }' }), 'expected an IANA time zone'],
    ['yes for true', config({ top: 'schedule: { enabled: yes }' }), 'expected true or false, found "yes"'],
    ['two languages', config({ top: 'runtime: { node_version: 22, python_version: 3.11 }' }), 'not both'],
    ['a variable of the contract', config({ top: 'runtime: { env_vars: { ESTEIRA_RUN_ID: x } }' }), 'another name'],
    ['an environment value that is nothing', config({ top: 'runtime: { env_vars: { A: } }' }), 'expected text'],
    [
      'min above max',
      config({ top: 'infra: { compute: { min_quantity: 2 } }' }),
      'expected at most max_quantity (1), found 2',
    ],
    ['true for recipients', config({ top: 'notifications: { on_failure: true }' }), 'a list of e-mail addresses'],
    ['an image tag that is not one', config().replace('1.0.0', '1.0+build'), 'expected a version'],
    ['a key twice', `${config()}version: 2.0.0\n`, 'c.yaml:9 version: expected each key once'],
    ['broken YAML', 'project_name: [a\nversion: 1', 'expected YAML;'],
    ['two documents', `${config()}---\n${config()}`, 'expected YAML;'],
  ])('%s', (_, text, expected) => {
    expect(faultsOf(text).join('\n')).toContain(expected)
  })

  test('an alias bomb, without filling the memory', () => {
    const rows = Array.from({ length: 12 }, (_, i) => `k${i + 1}: &k${i + 1} [${Array(10).fill(`*k${i}`).join(', ')}]`)
    expect(faultsOf(`k0: &k0 [x]\n${rows.join('\n')}`)[0]).toContain('alias')
  })

  test('a switched-on workflow without a time', () => {
    const text = config({ batch: `pipelines:\n    a:\n      schedule: { enabled: true }\n      steps:${STEPS}` })
    expect(faultsOf(text)).toEqual([
      'c.yaml:6 batch.pipelines.a.schedule.enabled: expected a cron beside it, or enabled: false, found true',
    ])
  })
})

describe('branches of config.yaml', () => {
  const branching = (branch: string, more = '') =>
    config({
      steps: `
      - { id: one, command: x, branch: ${branch}${more} }
      - { id: two, command: x }
      - { id: three, command: x }`,
    })
  test.each([
    ['to a step that is not there', '{ on: d, to: thre }', 'found "thre"; did you mean three?'],
    ['to itself', '{ on: d, to: one }', 'expected a later step: one of two, three, found "one"'],
    ['with both ways to one step', '{ on: d, to: two, else: two }', 'another step than "to"'],
    ['else to nowhere', '{ on: d, to: two, else: ende }', 'did you mean end?'],
    [
      'past a step that nothing else reaches',
      '{ on: d, to: three, else: end }',
      'steps[1].id: expected a step that some way',
    ],
  ])('are refused %s', (_, branch, expected) => {
    expect(faultsOf(branching(branch)).join('\n')).toContain(expected)
  })

  test('are refused on a step with shards', () => {
    expect(faultsOf(branching('{ on: d, to: two }', ', shards: 2'))[0]).toContain('no branch on a step with shards')
  })

  test('are accepted with and without else', () => {
    expect(faultsOf(branching('{ on: d, to: two }'))).toEqual([])
    expect(faultsOf(branching('{ on: d, to: two, else: three }'))).toEqual([])
  })
})

describe('parseConfig on any text', () => {
  test('gives a configuration or an ESTEIRA_CONFIG, never anything else', () => {
    const lines = config().split('\n')
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.string(), fc.nat(12), (index, junk, indent) => {
        const changed = lines.with(index, ' '.repeat(indent) + junk)
        expect(faultsOf(changed.join('\n'))).toBeInstanceOf(Array)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})
