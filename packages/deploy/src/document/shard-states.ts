import type { StepConfig } from '@esteira/core'
import type { AslStates } from './asl-document.js'
import { entryOf, type StateMachineScope } from './state-names.js'
import { taskStates } from './task-states.js'

/** What an inline Map runs at once at most. */
const MAX_CONCURRENCY = 40

/** A step as `shards` tasks of the same command, told apart by `ESTEIRA_SHARD`; it is done when all of them are. */
export function shardStates(options: {
  readonly step: StepConfig
  readonly shards: number
  readonly next: string
  readonly scope: StateMachineScope
}): AslStates {
  const { step, shards, next, scope } = options
  const name = `${step.id}.shard`
  return {
    [entryOf(step.id)]: {
      Type: 'Pass',
      Parameters: { 'shards.$': `States.ArrayRange(0, ${shards - 1}, 1)` },
      ResultPath: '$.map',
      Next: step.id,
    },
    [step.id]: {
      Type: 'Map',
      Comment: step.name,
      ItemsPath: '$.map.shards',
      ItemSelector: { 'run.$': '$.run', 'shard.$': '$$.Map.Item.Value' },
      MaxConcurrency: Math.min(shards, MAX_CONCURRENCY),
      ItemProcessor: {
        ProcessorConfig: { Mode: 'INLINE' },
        StartAt: entryOf(name),
        States: taskStates({
          name,
          step,
          next: { End: true },
          scope,
          environment: [
            { Name: 'ESTEIRA_SHARD', 'Value.$': "States.Format('{}', $.shard)" },
            { Name: 'ESTEIRA_SHARDS', Value: String(shards) },
          ],
        }),
      },
      ResultPath: null,
      Next: next,
    },
  }
}
