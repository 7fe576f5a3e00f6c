import { z } from 'zod'
import { parseCron } from './cron.js'
import { splitCommand } from './split-command.js'

/**
 * The fields of `config.yaml`. Each message is an expectation, to be read after "expected"; for an unknown key it is
 * the comma-separated list of the keys there are. What concerns several fields at once is in `check-config.ts`,
 * because zod skips such checks as soon as one field is wrong, and a person wants all faults at once.
 */
function section<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? Object.keys(shape).join(',') : 'a mapping of keys to values',
  })
}

function text(expected: string, pattern = /\S/) {
  return z.string(expected).regex(pattern, expected)
}

function integer(low: number, high: number, unit = '') {
  const expected = `a whole number${unit} of ${low} to ${high}`
  return z.int(expected).min(low, expected).max(high, expected)
}

function amount(low: number, high: number, expected: string) {
  return z.number(expected).min(low, expected).max(high, expected)
}

/** A text on which `read` throws a RangeError that says what is expected. */
function readable<T>(expected: string, read: (value: string) => T) {
  return z.string(expected).transform((value, context) => {
    try {
      return read(value)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      context.addIssue(`${expected}: ${error.message}`)
      return z.NEVER
    }
  })
}

const flag = z.boolean('true or false')
const seconds = integer(1, 31_536_000, ' of seconds')
const retries = integer(0, 20)
const stepId = (what: string) =>
  text(
    `${what} in snake_case of at most 48 characters, such as train_model`,
    /^(?=.{1,48}$)[a-z][a-z0-9]*(_[a-z0-9]+)*$/,
  )

const cron = readable('a cron expression such as "0 2 * * *"', (value) => {
  parseCron(value)
  return value.trim()
})

const timezone = z.string('an IANA time zone such as America/Sao_Paulo').refine(isTimezone, {
  error: 'an IANA time zone such as America/Sao_Paulo',
})

/** `Intl` also takes offsets and any case, which EventBridge Scheduler does not. */
function isTimezone(name: string): boolean {
  if (!/^[A-Z][\w+-]*(\/[A-Z][\w+-]*)*$/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

const schedule = section({
  enabled: flag.optional(),
  cron: cron.optional(),
  timezone: timezone.optional(),
  timeout_seconds: seconds.optional(),
  retries: retries.optional(),
})

const command = z.union(
  [
    readable('a command such as node steps/train_model.js', splitCommand),
    z.tuple([text('a program'), z.string()], z.string()).or(z.tuple([text('a program')])),
  ],
  { error: commandError },
)

/** Of the two forms, the complaint about the one that was tried. */
function commandError(issue: z.core.$ZodRawIssue): string {
  const form = 'errors' in issue && typeof issue.input === 'string' ? issue.errors : undefined
  const first: unknown = Array.isArray(form) ? form[0]?.[0] : undefined
  return first instanceof Object && 'message' in first && typeof first.message === 'string'
    ? first.message
    : 'a command such as node steps/train_model.js, or a list of its words'
}

const step = section({
  id: stepId('an id'),
  name: text('a name').optional(),
  command,
  resources: section({
    cpu: amount(0.125, 96, 'vCPUs from 0.125 to 96 (1 is one core; 1024 ECS units are 1)').optional(),
    memory_gb: amount(0.125, 768, 'GiB of memory from 0.125 to 768').optional(),
  }).optional(),
  retries: retries.optional(),
  timeout_seconds: seconds.optional(),
  branch: section({
    on: text('the decision that takes the branch, such as drift', /^[A-Za-z0-9_-]+$/),
    to: stepId('the id of a later step'),
    else: stepId('the id of a later step, or end,').optional(),
  }).optional(),
  shards: integer(1, 1000).optional(),
})

const steps = z.array(step, 'a list of steps').min(1, 'at least one step')

/** One address, several, or false or nothing for nobody. */
const recipients = z
  .preprocess(
    (value) => (value === false || value === null ? [] : typeof value === 'string' ? [value] : value),
    z.array(
      text('an e-mail address or a channel such as slack:#ml-alerts', /^\S+$/),
      'a list of e-mail addresses or channels such as slack:#ml-alerts',
    ),
  )
  .optional()

const version = text(
  'a version such as 1.0.0 or 1.2.0-rc.1',
  /^(?=.{1,64}$)\d+(\.\d+){0,2}(-[0-9A-Za-z][0-9A-Za-z.-]*)?$/,
)

/** What the state machine gives each step; set by hand it would break the contract of steps. */
const RESERVED = /^ESTEIRA_(PROJECT|WORKFLOW|RUN_ID|RUN_DATE|SHARD|SHARDS)$/

export const configSchema = section({
  project_name: text(
    'lower-case letters, digits and single hyphens, a letter first, at most 32',
    /^(?=.{1,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  ),
  description: z.string('text').optional(),
  version,
  owners: section({
    tech_owner: text('a name or an address').optional(),
    business_owner: text('a name or an address').optional(),
  }).optional(),
  schedule: schedule.optional(),
  runtime: section({
    python_version: text('a version such as 3.11', /^\d+(\.\d+){0,2}$/).optional(),
    node_version: text('a version such as 22', /^\d+(\.\d+){0,2}$/).optional(),
    requirements_file: text('a path inside the project', /^(?!\/)(?!.*\.\.)\S+$/).optional(),
    env_vars: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of letters, digits and underscores')
          .refine((key) => !RESERVED.test(key), 'another name: the state machine sets this one for each step'),
        z.string('text ("" when empty)'),
        'a mapping of names to text',
      )
      .optional(),
  }).optional(),
  batch: section({
    enabled: flag.optional(),
    orchestrator: z.literal('step_functions', 'step_functions').optional(),
    pipeline: section({ steps }).optional(),
    pipelines: z
      .record(
        z
          .string()
          .regex(
            /^(?=.{1,24}$)[a-z][a-z0-9]*([_-][a-z0-9]+)*$/,
            'a workflow name in lower case of at most 24 characters',
          ),
        section({ schedule: schedule.optional(), steps }),
        'a mapping of workflow names to {schedule, steps}',
      )
      .refine((pipelines) => Object.keys(pipelines).length > 0, 'at least one workflow')
      .optional(),
  }),
  infra: section({
    compute: section({
      provider: z.literal('ec2', 'ec2').optional(),
      ec2_type: text('an EC2 instance type such as m6i.xlarge', /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/).optional(),
      min_quantity: integer(0, 1000).optional(),
      max_quantity: integer(1, 1000).optional(),
      spot: flag.optional(),
    }).optional(),
  }).optional(),
  notifications: section({ on_success: recipients, on_failure: recipients }).optional(),
})

export type ConfigFile = z.infer<typeof configSchema>
export type ScheduleSection = NonNullable<ConfigFile['schedule']>
export type StepSection = z.infer<typeof step>
