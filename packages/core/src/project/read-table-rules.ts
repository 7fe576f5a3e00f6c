import { EsteiraError, nearest } from '../errors.js'
import { column, type Expression } from '../sql/expression.js'
import { visitExpression } from '../sql/walk.js'
import { validName } from './source.js'
import { type TableRule, tableRule } from './table-rule.js'

/** The columns of a staged row by name, to write conditions with; a misspelt one does not compile. */
export type RuleRow<Name extends string = string> = { readonly [Each in Name]: Expression }

/** The columns that every view has. */
export interface RuleKey {
  readonly entity: Expression
  readonly featureDate: Expression
}

/** Gives the rules of a view's rows. */
export type WriteTableRules<Name extends string> = (row: RuleRow<Name>, key: RuleKey) => readonly TableRule[]

export interface RuledView {
  readonly name: string
  readonly entity: string
  readonly features: readonly string[]
}

/**
 * Calls what the project wrote and checks what it gave: columns that exist, conditions about one row, names that differ.
 *
 * @throws EsteiraError ESTEIRA_PROJECT
 */
export function readTableRules(of: RuledView, write: WriteTableRules<string> | undefined): readonly TableRule[] {
  if (write === undefined) return []
  const where = `views.${of.name}.tableRules`
  const key: RuleKey = { entity: column(of.entity), featureDate: column('feature_date') }
  const rules: unknown = write(rowOf(where, of.features), key)
  if (!Array.isArray(rules) || !rules.every(isRule)) {
    throw new EsteiraError('ESTEIRA_PROJECT', `${where}: expected a function that returns a list of rules`, {
      hint: `The rules: ${Object.keys(tableRule)
        .map((name) => `tableRule.${name}`)
        .join(', ')}.`,
    })
  }
  const columns = [of.entity, 'feature_date', ...of.features]
  for (const rule of rules) checkRule(where, rule, columns)
  const names = rules.map(({ name }) => validName('rule', name))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return rules
  throw new EsteiraError('ESTEIRA_PROJECT', `${where}: two rules are named "${twice}"`, {
    hint: 'Give one of them another name: { name: "..." }.',
  })
}

const isRule = (rule: unknown): rule is TableRule =>
  typeof rule === 'object' && rule !== null && 'kind' in rule && 'name' in rule && typeof rule.name === 'string'

/** A project file is run without a check of its types, so a misspelt column is refused when it is asked for. */
function rowOf(where: string, features: readonly string[]): RuleRow {
  return new Proxy<RuleRow>(Object.freeze({}), {
    get(_, name) {
      if (typeof name === 'symbol') return undefined
      if (features.includes(name)) return column(name)
      throw unknownColumn(where, name, features)
    },
  })
}

function checkRule(where: string, rule: TableRule, columns: readonly string[]): void {
  const expressions =
    rule.kind === 'holds'
      ? [rule.condition]
      : rule.kind === 'unique'
        ? rule.values
        : rule.kind === 'references'
          ? [rule.value]
          : undefined
  if (expressions === undefined) return
  if (expressions.length === 0 || !expressions.every(isExpression)) {
    throw new EsteiraError('ESTEIRA_PROJECT', `${where}.${rule.name}: expected an expression of columns of the row`, {
      hint: 'Examples: row.churn_score, operation(row.max_value, ">=", row.min_value).',
    })
  }
  for (const expression of expressions) {
    visitExpression(expression, (node) => {
      if (node.kind === 'aggregate' || node.kind === 'window') {
        throw new EsteiraError('ESTEIRA_PROJECT', `${where}.${rule.name}: a rule is about one row, found ${node.name}`)
      }
      if (node.kind === 'column' && !columns.includes(node.name)) throw unknownColumn(where, node.name, columns)
    })
  }
}

const isExpression = (value: unknown): value is Expression =>
  typeof value === 'object' && value !== null && 'kind' in value

function unknownColumn(where: string, name: string, columns: readonly string[]): EsteiraError {
  const near = nearest(name, columns)
  return new EsteiraError('ESTEIRA_PROJECT', `${where}: "${name}" is no column of the view`, {
    hint: near === undefined ? `The columns: ${columns.join(', ')}.` : `Did you mean "${near}"?`,
  })
}
