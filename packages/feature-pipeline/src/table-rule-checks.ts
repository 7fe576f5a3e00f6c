import {
  column,
  type Expression,
  isNullExpression,
  literal,
  mapColumns,
  not,
  operation,
  quoteName,
  renderExpression,
  type TableRule,
  visitExpression,
} from '@esteira/core'
import {
  namedValues,
  type RowCheck,
  rowCheck,
  SHOWN_COLUMNS,
  type StagedRows,
  selectExample,
  selectFailing,
  slotOf,
} from './row-check.js'

/** FROM clauses of the columns that rules refer to, by the name of the rule. */
export type References = Readonly<Record<string, { readonly relation: string; readonly table: string }>>

/** What every batch must keep: an entity, one row per entity and date, the version it is published as. */
export function keyChecks(rows: StagedRows, featureVersion: number): RowCheck[] {
  const entity = rows.view.from.entity.column
  return [
    rowCheck(rows, {
      name: `${entity}.present`,
      rule: 'present',
      column: entity,
      expected: 'no null',
      fails: isNullExpression(rows.entity),
      shows: [entity],
    }),
    repeatedKeys(rows),
    rowCheck(rows, {
      name: 'feature_version',
      rule: 'version',
      expected: `version ${featureVersion}`,
      fails: not(operation(column('_feature_version'), '=', literal(featureVersion, 'integer'))),
      shows: ['_feature_version'],
    }),
  ]
}

/** The checks of table rules that single rows can break. */
export function tableRuleChecks(rows: StagedRows, references: References): RowCheck[] {
  return rows.view.tableRules.flatMap((rule) => {
    if (rule.kind === 'holds') return [holds(rows, rule)]
    if (rule.kind === 'unique') return [repeatedValues(rows, rule)]
    return rule.kind === 'references' ? [refersTo(rows, rule, references)] : []
  })
}

type RuleOf<Kind> = Extract<TableRule, { readonly kind: Kind }>

function holds(rows: StagedRows, { name, condition, atMost, severity }: RuleOf<'holds'>): RowCheck {
  return rowCheck(rows, {
    name,
    rule: 'holds',
    expected: `${renderExpression(condition, rows.dialect)} in each row`,
    fails: not(condition),
    shows: columnsIn([condition]),
    named: true,
    atMost,
    severity,
  })
}

/** Names of the columns that expressions speak of, as many as an example shows. */
function columnsIn(expressions: readonly Expression[]): string[] {
  const names = new Set<string>()
  for (const expression of expressions) {
    visitExpression(expression, (node) => {
      if (node.kind === 'column') names.add(node.name)
    })
  }
  return [...names].slice(0, SHOWN_COLUMNS)
}

/** Rows beyond the first of each entity and date. The groups are made by hash, and put on disk where memory is short. */
function repeatedKeys(rows: StagedRows): RowCheck {
  const [entity, date] = [rows.entity, rows.featureDate].map((key) => renderExpression(key, rows.dialect))
  const groups = `FROM ${rows.staged} AS s GROUP BY ${entity}, ${date} HAVING count(*) > 1`
  const slots = [slotOf(0, undefined, 'count(*)'), slotOf(1, undefined, undefined), slotOf(2, undefined, undefined)]
  return {
    name: 'unique_key',
    rule: 'unique',
    severity: 'error',
    expected: `one row per ${rows.view.from.entity.column} and feature_date`,
    atMost: 0,
    count: countBeyondFirst(groups),
    failing: `SELECT CAST(${date} AS VARCHAR) AS "day", CAST(${entity} AS VARCHAR) AS "entity", ${slots.join(', ')} ${groups}`,
    describe: ([count]) => `${count} rows`,
  }
}

/** Rows beyond the first of each date and values; a null is no value that could be repeated. */
function repeatedValues(rows: StagedRows, { name, values, atMost, severity }: RuleOf<'unique'>): RowCheck {
  const rendered = values.map((value) => renderExpression(value, rows.dialect))
  const date = renderExpression(rows.featureDate, rows.dialect)
  const known = rendered.map((value) => `${value} IS NOT NULL`).join(' AND ')
  const groups = `FROM ${rows.staged} AS s WHERE ${known} GROUP BY ${[date, ...rendered].join(', ')} HAVING count(*) > 1`
  const named = [date, ...rendered].map((value, index) => `${value} AS "g${index}"`).join(', ')
  const same = [date, ...rendered].map((value, index) => `${value} = g."g${index}"`).join(' AND ')
  const columns = columnsIn(values)
  return {
    name,
    rule: 'unique',
    severity,
    expected: `no repeated ${columns.join(', ')} on a date`,
    atMost,
    count: countBeyondFirst(groups),
    failing: `${selectExample(rows, columns)} FROM ${rows.staged} AS s JOIN (SELECT ${named} ${groups}) AS g ON ${same}`,
    describe: namedValues(columns),
  }
}

function countBeyondFirst(groups: string): RowCheck['count'] {
  return {
    select: `SELECT CAST(coalesce(sum(n - 1), 0) AS BIGINT) AS "failed" FROM (SELECT count(*) AS n ${groups}) AS r`,
  }
}

function refersTo(rows: StagedRows, rule: RuleOf<'references'>, references: References): RowCheck {
  const { relation, table } = references[rule.name] ?? { relation: '', table: '' }
  // With the name of the staged rows: the other table may have a column of the same name.
  const value = renderExpression(
    mapColumns(rule.value, ({ name }) => column(name, 's')),
    rows.dialect,
  )
  // Not NOT IN: a null in the other column would make every answer null, and the engine could not put the comparison on disk.
  const same = `k.${quoteName(rule.to.column)} = ${value}`
  const condition = `${value} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${relation} AS k WHERE ${same})`
  const columns = columnsIn([rule.value])
  return {
    name: rule.name,
    rule: 'references',
    severity: rule.severity,
    expected: `values of ${table}.${rule.to.column}`,
    atMost: rule.atMost,
    count: { select: `SELECT count(*) AS "failed" FROM ${rows.staged} AS s WHERE ${condition}` },
    failing: selectFailing(rows, condition, columns),
    describe: ([shown = 'missing']) => shown,
  }
}
