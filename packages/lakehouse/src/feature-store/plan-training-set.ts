import { addDays, EsteiraError, type Lakehouse, nearest, toRows } from '@esteira/core'
import { type DayOf, dateColumnOf, daySql, type PointInTimePlan, type ViewInPlan } from './point-in-time-plan.js'
import type { ResolvedSpine } from './resolve-spine.js'
import type { ResolvedView } from './resolve-views.js'
import type { TrainingSetRequest } from './training-set-request.js'

type TypeKind = 'text' | 'number' | 'other'

/**
 * The join of a request as a plan, checked: the spine has the columns it needs, of types that can be compared, and no name
 * comes twice.
 *
 * @throws EsteiraError ESTEIRA_USAGE, ESTEIRA_COLUMN_MISSING, ESTEIRA_NO_DATA for a spine without any row that has a time
 */
export async function planTrainingSet(
  lakehouse: Lakehouse,
  request: TrainingSetRequest,
  spine: ResolvedSpine,
  views: readonly ResolvedView[],
): Promise<{ readonly plan: Omit<PointInTimePlan, 'views'>; readonly views: readonly Omit<ViewInPlan, 'relation'>[] }> {
  if (request.views.length === 0) throw new EsteiraError('ESTEIRA_USAGE', 'a training set needs at least one view')
  if (request.asOf !== undefined && !isDay(request.asOf)) {
    throw new EsteiraError('ESTEIRA_USAGE', `asOf: expected a day YYYY-MM-DD, found ${JSON.stringify(request.asOf)}`)
  }
  const days = views.map((view) => dayOf(request, spine, view))
  for (const view of views) checkEntity(spine, view)
  checkNames(spine, views)
  const until = await newestDays(lakehouse, spine, days)
  return {
    plan: {
      spine: spine.relation,
      spineColumns: spine.columns.map(({ name }) => name),
      missing: request.missing ?? 'keep',
    },
    views: views.map((view, index) => ({
      name: view.definition.name,
      version: view.version,
      entity: { column: view.definition.from.entity.column, spine: view.entity },
      day: days[index] ?? {},
      features: view.features,
      ...(view.ttlDays !== undefined && { ttlDays: view.ttlDays }),
      until: until[index] ?? '',
    })),
  }
}

function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && addDays(text, 0) === text
}

function dayOf({ asOf }: TrainingSetRequest, spine: ResolvedSpine, view: ResolvedView): DayOf {
  const cap = asOf === undefined ? {} : { asOf }
  if (spine.time === undefined) {
    if (asOf !== undefined) return cap
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      'the rows of a training set need a time: neither spine.time nor asOf was given',
      {
        hint: "Name the column: spine: { query: '…', time: 'event_time' }; or give one day for all rows: asOf: '2026-01-01'.",
      },
    )
  }
  const type = columnType(spine, spine.time, 'spine.time')
  if (type === 'date' || /^timestamp(\(\d\))?$/.test(type)) return { ...cap, column: spine.time }
  if (/^timestamp(\(\d\))? with time zone$/.test(type)) {
    return { ...cap, column: spine.time, zone: view.definition.from.timezone }
  }
  throw new EsteiraError('ESTEIRA_USAGE', `spine.time: expected a date or timestamp, "${spine.time}" is ${type}`, {
    hint: `Cast it in the query: CAST(${spine.time} AS timestamp).`,
  })
}

function columnType(spine: ResolvedSpine, name: string, what: string): string {
  const found = spine.columns.find((column) => column.name === name)
  if (found !== undefined) return found.type
  const names = spine.columns.map((column) => column.name)
  const near = nearest(name, names)
  throw new EsteiraError(
    'ESTEIRA_COLUMN_MISSING',
    `${what}: the spine has no column "${name}"; it has ${names.join(', ')}`,
    {
      ...(near !== undefined && { hint: `Did you mean "${near}"?` }),
    },
  )
}

function checkEntity(spine: ResolvedSpine, { definition, entity }: ResolvedView): void {
  const type = columnType(spine, entity, `the entity of view ${definition.name}`)
  const wanted: TypeKind = definition.from.entity.type === 'string' ? 'text' : 'number'
  const found = kindOf(type)
  if (found === wanted) return
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `the entity of view ${definition.name}: expected ${definition.from.entity.type}, the spine's "${entity}" is ${type}`,
    { hint: `Cast it in the query: CAST(${entity} AS ${wanted === 'text' ? 'varchar' : 'bigint'}).` },
  )
}

function kindOf(type: string): TypeKind {
  if (/^(varchar|char)/.test(type)) return 'text'
  return /^(tinyint|smallint|integer|bigint|hugeint)$/.test(type) ? 'number' : 'other'
}

/** No column may come from two places: whoever came last would win without a word. */
function checkNames(spine: ResolvedSpine, views: readonly ResolvedView[]): void {
  const owners = new Map(spine.columns.map(({ name }) => [name.toLowerCase(), 'the spine']))
  for (const { definition, features } of views) {
    const owner = `view ${definition.name}`
    for (const name of [dateColumnOf(definition.name), ...features.map(({ as }) => as)]) {
      const other = owners.get(name.toLowerCase())
      if (other !== undefined) {
        throw new EsteiraError('ESTEIRA_USAGE', `column "${name}" comes from ${other} and from ${owner}`, {
          hint: `Give the view a prefix: { view: ${definition.name}, prefix: '${definition.name}_' }; or name the features you want: features: [...]`,
          details: { column: name },
        })
      }
      owners.set(name.toLowerCase(), owner)
    }
  }
}

/** The newest day each view is asked for. */
async function newestDays(
  lakehouse: Lakehouse,
  spine: ResolvedSpine,
  days: readonly DayOf[],
): Promise<readonly string[]> {
  const newest = days.map((day, index) => `CAST(max(${daySql(day, 's')}) AS VARCHAR) AS "d${index}"`)
  const sql = `SELECT count(*) AS "rows", ${newest.join(', ')} FROM ${spine.relation} AS s`
  const [row] = toRows(await lakehouse.engine.query(sql))
  if (Number(row?.['rows'] ?? 0) === 0)
    throw new EsteiraError('ESTEIRA_NO_DATA', 'the spine of the training set has no rows')
  return days.map((_, index) => {
    const day = row?.[`d${index}`]
    if (typeof day === 'string') return day
    throw new EsteiraError('ESTEIRA_NO_DATA', `no row of the spine has a time: "${spine.time}" is null in all of them`)
  })
}
