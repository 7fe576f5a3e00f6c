import type { AslStates } from './asl-document.js'
import type { StateMachineScope } from './state-names.js'

/**
 * Settles what every step gets: `$.run.project`, `$.run.runDate`, `$.run.runId`, and where the step results are.
 * A run date that is not given is the scheduled time, or else the start of the execution; a run id that is not given is
 * `<project>-<workflow>-<run date>` without the marks that file names and execution names do not take.
 */
export function prepareStates({ projectName, workflow }: StateMachineScope, first: string): AslStates {
  const prefix = `${projectName}-${workflow}-`
  return {
    prepare: {
      Type: 'Pass',
      Parameters: {
        'given.$': '$',
        default: { project: `projects/${projectName}`, 'scheduledTime.$': '$$.Execution.StartTime' },
      },
      Next: 'prepare.scheduled_time',
    },
    'prepare.scheduled_time': {
      Type: 'Pass',
      Parameters: { 'given.$': 'States.JsonMerge($.default, $.given, false)' },
      Next: 'prepare.default_run_date',
    },
    'prepare.default_run_date': {
      Type: 'Pass',
      Parameters: { 'given.$': '$.given', default: { 'runDate.$': '$.given.scheduledTime' } },
      Next: 'prepare.run_date',
    },
    'prepare.run_date': {
      Type: 'Pass',
      Parameters: {
        'run.$': 'States.JsonMerge($.default, $.given, false)',
        home: { bucket: placeholder('HomeBucket'), prefix: placeholder('HomePrefix') },
      },
      Next: 'prepare.run_id',
    },
    'prepare.run_id': {
      Type: 'Choice',
      Choices: [
        { Variable: '$.run.runId', IsPresent: true, Next: first },
        { Variable: '$.run.runDate', StringMatches: '*T*:*:*', Next: 'prepare.run_id_of_time' },
      ],
      Default: 'prepare.run_id_of_date',
    },
    'prepare.run_id_of_time': {
      Type: 'Pass',
      Parameters: { 'parts.$': "States.StringSplit($.run.runDate, '-:.Z+')" },
      ResultPath: '$.time',
      Next: 'prepare.run_id_from_time',
    },
    'prepare.run_id_from_time': {
      Type: 'Pass',
      Parameters: formatParts(prefix, '$.time.parts', 5),
      ResultPath: '$.default',
      Next: 'prepare.run',
    },
    'prepare.run_id_of_date': {
      Type: 'Pass',
      Parameters: { 'parts.$': "States.StringSplit($.run.runDate, '-')" },
      ResultPath: '$.time',
      Next: 'prepare.run_id_from_date',
    },
    'prepare.run_id_from_date': {
      Type: 'Pass',
      Parameters: formatParts(prefix, '$.time.parts', 3),
      ResultPath: '$.default',
      Next: 'prepare.run',
    },
    'prepare.run': {
      Type: 'Pass',
      Parameters: { 'run.$': 'States.JsonMerge($.default, $.run, false)', 'home.$': '$.home' },
      Next: first,
    },
  }
}

/** What deployment replaces, as CloudFormation's `DefinitionSubstitutions` writes it. */
export function placeholder(name: string): string {
  return `\${${name}}`
}

function formatParts(prefix: string, path: string, count: number) {
  const parts = Array.from({ length: count }, (_, index) => `States.ArrayGetItem(${path}, ${index})`)
  return { 'runId.$': `States.Format('${prefix}${'{}'.repeat(count)}', ${parts.join(', ')})` }
}
