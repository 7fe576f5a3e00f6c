import type { AslStates } from './asl-document.js'

/**
 * Reads the result that a step stored and goes by its `decision`: ECS hands no output over. A result without a decision
 * goes the other way.
 */
export function branchStates(
  id: string,
  ways: { readonly on: string; readonly to: string; readonly otherwise: string },
): AslStates {
  const decision = '$.result.content.decision'
  return {
    [`${id}.result`]: {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:s3:getObject',
      Parameters: {
        'Bucket.$': '$.home.bucket',
        'Key.$': `States.Format('{}objects/runs/{}/${id}.json', $.home.prefix, $.run.runId)`,
      },
      ResultSelector: { 'Body.$': '$.Body' },
      ResultPath: '$.result',
      TimeoutSeconds: 60,
      Retry: [
        {
          ErrorEquals: ['S3.SdkClientException', 'S3.S3Exception'],
          IntervalSeconds: 2,
          BackoffRate: 2,
          MaxAttempts: 5,
          JitterStrategy: 'FULL',
        },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: `${id}.no_result` }],
      Next: `${id}.decision`,
    },
    [`${id}.decision`]: {
      Type: 'Pass',
      Parameters: { 'content.$': 'States.StringToJson($.result.Body)' },
      ResultPath: '$.result',
      Next: `${id}.branch`,
    },
    [`${id}.branch`]: {
      Type: 'Choice',
      Choices: [
        {
          And: [
            { Variable: decision, IsPresent: true },
            { Variable: decision, StringEquals: ways.on },
          ],
          Next: ways.to,
        },
      ],
      Default: ways.otherwise,
    },
    [`${id}.no_result`]: {
      Type: 'Fail',
      Error: 'Esteira.ResultMissing',
      CausePath: `States.Format('the result of step ${id}, which the branch depends on, cannot be read. {}: {}', $.error.Error, $.error.Cause)`,
    },
  }
}
