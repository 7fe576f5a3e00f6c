/**
 * `<project>-<workflow>-<run date>`, as the state machine names a run that was given no id: `churn-training-20260101`,
 * or `churn-inference-20260101T060000` for a run date with a time.
 */
export function defaultRunId(projectName: string, workflow: string, runDate: string): string {
  const time = /^(\d{4})-(\d\d)-(\d\dT\d\d):(\d\d):(\d\d)/.exec(runDate)
  const parts = time === null ? runDate.split('-') : time.slice(1)
  return `${projectName}-${workflow}-${parts.join('')}`
}
