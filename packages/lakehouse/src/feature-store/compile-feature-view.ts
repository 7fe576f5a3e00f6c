import {
  addDays,
  aggregate,
  allOf,
  between,
  call,
  column,
  type Dialect,
  date,
  EsteiraError,
  type Expression,
  type Feature,
  type FeatureView,
  integer,
  mapColumns,
  not,
  operation,
  quoteName,
  renderExpression,
  visitExpression,
  windowOver,
} from '@esteira/core'

export interface CompileOptions {
  readonly dialect: Dialect
  /** SQL text that stands for the silver table in a FROM clause. */
  readonly source: string
  /** Feature dates `YYYY-MM-DD`; all are computed in one pass over the source. */
  readonly featureDates: readonly string[]
}

/**
 * One SELECT that computes a feature view for all the dates: entity, `feature_date` and the features, a row for every entity
 * with an event in the `activeWithinDays` days before the date. Only events before a date enter its rows.
 *
 * The statement is a chain of CTEs: `dates`, `events` (source x dates, with `age` in days), `level_0` (one GROUP BY for
 * everything that aggregates), one CTE per most-frequent value, then one level for each step of features made from features.
 */
export function compileFeatureView(view: FeatureView, options: CompileOptions): string {
  if (options.featureDates.length === 0)
    throw new EsteiraError('ESTEIRA_USAGE', `view ${view.name}: no feature date was given`)
  const { dialect } = options
  const modes = Object.entries(view.features).flatMap(([name, feature]) =>
    feature.kind === 'mostFrequent' ? [{ name, feature }] : [],
  )
  const levels = featureLevels(view)
  // The most frequent values join in at level 1.
  if (modes.length > 0 && levels.length === 1) levels.push([])
  const entity = quoteName(view.from.entity.column)
  const ctes = [
    `dates AS (\n${datesSql(options)}\n)`,
    `events AS (\n${eventsSql(view, options)}\n)`,
    `level_0 AS (\n${aggregatesSql(view, levels[0] ?? [], dialect)}\n)`,
    ...modes.map(
      ({ name, feature }) => `${quoteName(`most_${name}`)} AS (\n${mostFrequentSql(entity, feature, dialect)}\n)`,
    ),
    ...levels
      .slice(1)
      .map((names, index) => `level_${index + 1} AS (\n${derivedSql(view, names, index, modes, dialect)}\n)`),
  ]
  const columns = Object.entries(view.features).map(
    ([name, { type }]) => `CAST(f.${quoteName(name)} AS ${type.toUpperCase()}) AS ${quoteName(name)}`,
  )
  return [
    `WITH ${ctes.join(',\n')}`,
    `SELECT f.${entity}, f."feature_date", ${columns.join(', ')}`,
    `FROM level_${levels.length - 1} AS f`,
  ].join('\n')
}

function datesSql({ dialect, source, featureDates }: CompileOptions): string {
  const dates = [...new Set(featureDates)].sort().map((day) => `(${renderExpression(date(day), dialect)})`)
  return [
    'SELECT d."feature_date", s."first_event_date"',
    `FROM (VALUES ${dates.join(', ')}) AS d("feature_date")`,
    `CROSS JOIN (SELECT min(${renderExpression(eventDate, dialect)}) AS "first_event_date" FROM ${source} AS e WHERE ${isEvent(dialect)}) AS s`,
  ].join('\n')
}

const eventDate = call('toDate', column('local_ts'))

function isEvent(dialect: Dialect): string {
  return renderExpression(not(column('is_refund')), dialect)
}

/** Events joined to the dates they count for; only the source columns that some feature reads are carried along. */
function eventsSql(view: FeatureView, { dialect, source, featureDates }: CompileOptions): string {
  const sorted = [...featureDates].sort()
  const longest = longestWindow(view)
  const columns = [...eventColumnsOf(view)].map((name) => `e.${quoteName(name)}`)
  const range = between(eventDate, date(addDays(sorted[0] ?? '', -longest)), date(addDays(sorted.at(-1) ?? '', -1)))
  const age = renderExpression(call('daysBetween', column('event_date', 'e'), column('feature_date', 'd')), dialect)
  const entity = quoteName(view.from.entity.column)
  return [
    `SELECT e.${entity}, d."feature_date", d."first_event_date", e."event_date", CAST(${age} AS INTEGER) AS "age"${columns.map((name) => `, ${name}`).join('')}`,
    `FROM (SELECT *, ${renderExpression(eventDate, dialect)} AS "event_date" FROM ${source} AS s WHERE ${isEvent(dialect)} AND ${renderExpression(range, dialect)}) AS e`,
    `JOIN dates AS d ON ${age} BETWEEN 1 AND ${longest}`,
  ].join('\n')
}

function aggregatesSql(view: FeatureView, names: readonly string[], dialect: Dialect): string {
  const entity = quoteName(view.from.entity.column)
  const columns = names.map((name) => {
    const feature = view.features[name]
    if (feature?.kind !== 'expression') throw new EsteiraError('ESTEIRA_INTERNAL', `feature ${name} is no expression`)
    return `, ${renderExpression(unqualified(feature.value), dialect)} AS ${quoteName(name)}`
  })
  return [
    `SELECT ${entity}, "feature_date"${columns.join('')}`,
    'FROM events',
    `GROUP BY ${entity}, "feature_date", "first_event_date"`,
    `HAVING ${renderExpression(operation(aggregate('min', column('age')), '<=', integer(view.activeWithinDays)), dialect)}`,
  ].join('\n')
}

function mostFrequentSql(entity: string, feature: Feature & { kind: 'mostFrequent' }, dialect: Dialect): string {
  const where = allOf(
    between(column('age'), integer(1), integer(feature.withinDays)),
    not({ kind: 'isNull', of: column('value') }),
  )
  const ties = feature.ties === 'latest' ? [{ by: column('last_ts'), descending: true }] : []
  const place = windowOver('rowNumber', {
    partitionBy: [column('entity'), column('feature_date')],
    orderBy: [{ by: column('events'), descending: true }, ...ties, { by: column('value') }],
  })
  return [
    `SELECT "entity", "feature_date", "value" FROM (`,
    `  SELECT *, ${renderExpression(place, dialect)} AS "place" FROM (`,
    `    SELECT "entity", "feature_date", "value", count(*) AS "events"${feature.ties === 'latest' ? ', max("local_ts") AS "last_ts"' : ''}`,
    `    FROM (SELECT ${entity} AS "entity", "feature_date", "age", "local_ts", ${renderExpression(unqualified(feature.of), dialect)} AS "value" FROM events) AS v`,
    `    WHERE ${renderExpression(where, dialect)}`,
    '    GROUP BY "entity", "feature_date", "value"',
    '  ) AS counted',
    ') AS placed WHERE "place" = 1',
  ].join('\n')
}

/** Features made of features of the level before; the most frequent values join in at the first of these levels. */
function derivedSql(
  view: FeatureView,
  names: readonly string[],
  below: number,
  modes: readonly { readonly name: string }[],
  dialect: Dialect,
): string {
  const entity = quoteName(view.from.entity.column)
  const joined = below === 0 ? modes : []
  const columns = names.map((name) => {
    const feature = view.features[name]
    if (feature?.kind !== 'expression') throw new EsteiraError('ESTEIRA_INTERNAL', `feature ${name} is no expression`)
    return `, ${renderExpression(onLevel(feature.value), dialect)} AS ${quoteName(name)}`
  })
  return [
    `SELECT f.*${joined.map(({ name }) => `, ${quoteName(`most_${name}`)}."value" AS ${quoteName(name)}`).join('')}${columns.join('')}`,
    `FROM level_${below} AS f`,
    ...joined.map(({ name }) => joinMode(entity, name)),
  ].join('\n')
}

function joinMode(entity: string, name: string): string {
  const table = quoteName(`most_${name}`)
  return `LEFT JOIN ${table} ON ${table}."entity" = f.${entity} AND ${table}."feature_date" = f."feature_date"`
}

/** Feature names by level: 0 aggregates events, n uses features of levels below n. */
function featureLevels(view: FeatureView): string[][] {
  const known = new Map<string, number>()
  const visiting = new Set<string>()
  const levelOf = (name: string): number => {
    const done = known.get(name)
    if (done !== undefined) return done
    const feature = view.features[name]
    if (feature === undefined) {
      throw new EsteiraError('ESTEIRA_PROJECT', `views.${view.name}: feature "${name}" is used but not declared`)
    }
    if (visiting.has(name))
      throw new EsteiraError('ESTEIRA_PROJECT', `views.${view.name}.features.${name}: it is made of itself`)
    visiting.add(name)
    const used = feature.kind === 'expression' ? [...columnsOf(feature.value, 'feature')] : []
    const level = used.length === 0 ? 0 : 1 + Math.max(...used.map(levelOf))
    known.set(name, level)
    return level
  }
  const levels: string[][] = [[]]
  for (const [name, feature] of Object.entries(view.features)) {
    const level = levelOf(name)
    if (feature.kind === 'mostFrequent') continue
    for (let index = levels.length; index <= level; index++) levels.push([])
    levels[level]?.push(name)
  }
  return levels
}

/** The longest window that any feature looks back, or the population's. */
function longestWindow(view: FeatureView): number {
  let longest = view.activeWithinDays
  for (const feature of Object.values(view.features)) {
    if (feature.kind === 'mostFrequent') longest = Math.max(longest, feature.withinDays)
    else {
      visitExpression(feature.value, (node) => {
        if (node.kind === 'between' && isAge(node.of) && node.high.kind === 'literal')
          longest = Math.max(longest, Number(node.high.value))
      })
    }
  }
  return longest
}

function isAge(node: Expression): boolean {
  return node.kind === 'column' && node.table === 'event' && node.name === 'age'
}

function eventColumnsOf(view: FeatureView): Set<string> {
  const names = new Set<string>()
  for (const feature of Object.values(view.features)) {
    for (const name of columnsOf(feature.kind === 'expression' ? feature.value : feature.of, 'event')) names.add(name)
    if (feature.kind === 'mostFrequent') names.add('local_ts')
  }
  names.delete('age')
  names.delete('event_date')
  names.delete(view.from.entity.column)
  return names
}

function columnsOf(expression: Expression, table: string): Set<string> {
  const names = new Set<string>()
  visitExpression(expression, (node) => {
    if (node.kind === 'column' && node.table === table) names.add(node.name)
  })
  return names
}

/** The expression with table qualifiers taken off: inside `events` every name is plain. */
function unqualified(expression: Expression): Expression {
  return mapColumns(expression, (node) => column(node.name))
}

function onLevel(expression: Expression): Expression {
  return mapColumns(expression, (node) => column(node.name, 'f'))
}
