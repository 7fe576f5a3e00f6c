/** What the states of a step need to know of their project. */
export interface StateMachineScope {
  readonly projectName: string
  readonly workflow: string
  readonly env: 'dev' | 'prd' | undefined
}

/** The state in which every run ends that did not fail. */
export const DONE = 'done'

/** Name of the first state of a step. */
export function entryOf(name: string): string {
  return `${name}.start`
}
