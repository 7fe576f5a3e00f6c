import { type ProjectConfig, parseConfig } from '@esteira/core'

/** A configuration whose `batch.pipelines.main.steps` are the given YAML lines. */
export function configOf(steps: readonly string[], top = ''): ProjectConfig {
  const lines = steps.map((step) => `        - ${step}`).join('\n')
  return parseConfig(
    `project_name: churn\nversion: 1.2.0\n${top}\nbatch:\n  pipelines:\n    main:\n      steps:\n${lines}\n`,
    'config.yaml',
  )
}

export const BRANCHING = [
  '{ id: detect_drift, command: node drift.js, branch: { on: drift, to: handle_drift, else: end } }',
  '{ id: handle_drift, command: node handle.js }',
]
