import { z } from 'zod'
import type { Fault } from './fault.js'
import { successorsOf } from './project-config.js'

/** Only what the checks below look at; whatever has another shape is the schema's to complain about. */
const looseStep = z.object({
  id: z.string(),
  shards: z.unknown().optional(),
  branch: z
    .object({ on: z.string(), to: z.string(), else: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
})
const looseSection = z.record(z.string(), z.unknown()).catch({})
type LooseStep = z.infer<typeof looseStep>
type Path = readonly (string | number)[]

/** The faults that concern several fields at once. */
export function checkConfig(file: unknown): Fault[] {
  const top = looseSection.parse(file)
  const batch = looseSection.parse(top['batch'])
  const pipelines = looseSection.parse(batch['pipelines'])
  const compute = looseSection.parse(looseSection.parse(top['infra'])['compute'])
  return [
    ...(batch['pipeline'] !== undefined && batch['pipelines'] !== undefined
      ? [{ path: ['batch', 'pipeline'], expected: 'either pipeline or pipelines, not both', about: 'key' as const }]
      : []),
    ...(top['batch'] instanceof Object && batch['pipeline'] === undefined && batch['pipelines'] === undefined
      ? [{ path: ['batch'], expected: 'pipeline with its steps, or pipelines with several workflows' }]
      : []),
    ...checkRuntime(looseSection.parse(top['runtime'])),
    ...checkSchedule(looseSection.parse(top['schedule']), {}, ['schedule']),
    ...checkSteps(batch['pipeline'], ['batch', 'pipeline']),
    ...Object.entries(pipelines).flatMap(([name, pipeline]) => [
      ...checkSteps(pipeline, ['batch', 'pipelines', name]),
      ...checkSchedule(
        looseSection.parse(looseSection.parse(pipeline)['schedule']),
        looseSection.parse(top['schedule']),
        [...['batch', 'pipelines', name, 'schedule']],
      ),
    ]),
    ...checkQuantities(compute),
  ]
}

function checkRuntime(runtime: Readonly<Record<string, unknown>>): Fault[] {
  if (runtime['python_version'] === undefined || runtime['node_version'] === undefined) return []
  return [
    { path: ['runtime', 'node_version'], expected: 'either node_version or python_version, not both', about: 'key' },
  ]
}

function checkSchedule(
  schedule: Readonly<Record<string, unknown>>,
  inherited: Readonly<Record<string, unknown>>,
  path: Path,
): Fault[] {
  if (schedule['enabled'] !== true || (schedule['cron'] ?? inherited['cron']) !== undefined) return []
  // At the top, the cron may stand in each workflow: only a workflow that is switched on must have one.
  if (path.length === 1) return []
  return [{ path: [...path, 'enabled'], expected: 'a cron beside it, or enabled: false' }]
}

function checkQuantities(compute: Readonly<Record<string, unknown>>): Fault[] {
  const { min_quantity: min, max_quantity: max = 1 } = compute
  if (typeof min !== 'number' || typeof max !== 'number' || min <= max) return []
  return [{ path: ['infra', 'compute', 'min_quantity'], expected: `at most max_quantity (${max})` }]
}

function checkSteps(pipeline: unknown, path: Path): Fault[] {
  const list = looseSection.parse(pipeline)['steps']
  if (!Array.isArray(list)) return []
  const parsed = list.map((step) => looseStep.safeParse(step).data)
  const steps = parsed.filter((step) => step !== undefined)
  const found = parsed.flatMap((step, index) =>
    step === undefined ? [] : checkStep(step, parsed, [...path, 'steps', index]),
  )
  // With a step missing or a branch wrong, "never reached" would only repeat what was said.
  return found.length > 0 || steps.length < list.length ? found : checkReached(steps, path)
}

function checkStep(step: LooseStep, all: readonly (LooseStep | undefined)[], path: Path): Fault[] {
  const index = all.indexOf(step)
  const faults: Fault[] = []
  const first = all.findIndex((other) => other?.id === step.id)
  if (first < index)
    faults.push({ path: [...path, 'id'], expected: `an id of its own; steps[${first}] has it already` })
  if (step.id === 'end') faults.push({ path: [...path, 'id'], expected: 'another id: "end" means the end of the run' })
  const { branch } = step
  if (branch === undefined) return faults
  if (step.shards !== undefined) {
    faults.push({
      path: [...path, 'branch'],
      expected: 'no branch on a step with shards: they may decide differently',
      about: 'key',
    })
  }
  const later = all.slice(index + 1).flatMap((other) => (other === undefined ? [] : [other.id]))
  const expected = later.length === 0 ? 'a later step; this is the last' : `a later step: one of ${later.join(', ')}`
  if (!later.includes(branch.to)) faults.push({ path: [...path, 'branch', 'to'], expected, near: later })
  if (branch.else !== undefined && branch.else !== 'end' && !later.includes(branch.else)) {
    faults.push({ path: [...path, 'branch', 'else'], expected: `end, or ${expected}`, near: ['end', ...later] })
  }
  if (branch.else === branch.to) faults.push({ path: [...path, 'branch', 'else'], expected: 'another step than "to"' })
  return faults
}

function checkReached(steps: readonly LooseStep[], path: Path): Fault[] {
  const reached = new Set(steps[0] === undefined ? [] : [steps[0].id])
  for (const [index, step] of steps.entries()) {
    if (!reached.has(step.id)) continue
    // Ways lead forward only, so one pass in order finds all.
    const { next, branchTo } = successorsOf(steps.map(toBranching), index)
    reached.add(next)
    if (branchTo !== undefined) reached.add(branchTo)
  }
  return steps.flatMap((step, index) =>
    reached.has(step.id)
      ? []
      : [
          {
            path: [...path, 'steps', index, 'id'],
            expected: 'a step that some way leads to; every branch passes it by',
          },
        ],
  )
}

function toBranching({ id, branch }: LooseStep) {
  if (branch === undefined) return { id }
  const { on, to, else: otherwise } = branch
  return { id, branch: { on, to, ...(otherwise === undefined ? {} : { else: otherwise }) } }
}
