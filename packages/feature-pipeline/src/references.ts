import {
  EsteiraError,
  type FeatureView,
  type Lakehouse,
  nearest,
  type ReferencedColumn,
  tableNames,
} from '@esteira/core'
import type { References } from './table-rule-checks.js'

/** Where rules that refer to other tables look. */
export interface ReferenceTables {
  /** Name of the project: silver tables of its sources carry it. */
  readonly project: string
  /** Snapshots to read tables at; the current ones of tables that are not named. */
  readonly snapshots?: Readonly<Record<string, string>>
}

/** The tables that the rules of a view refer to, each once. */
export function referencedTables(view: FeatureView, project: string): readonly string[] {
  const tables = view.tableRules.flatMap((rule) => (rule.kind === 'references' ? [tableOf(rule.to, project)] : []))
  return [...new Set(tables)].sort()
}

function tableOf(to: ReferencedColumn, project: string): string {
  return 'table' in to ? to.table : tableNames.silver(project, { name: to.source })
}

/** @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_COLUMN_MISSING */
export async function openReferences(
  view: FeatureView,
  lakehouse: Lakehouse,
  tables: ReferenceTables | undefined,
): Promise<References> {
  const opened = view.tableRules.map(async (rule) => {
    if (rule.kind !== 'references') return []
    const table = tableOf(rule.to, tables?.project ?? '')
    const snapshotId = tables?.snapshots?.[table]
    const relation = await lakehouse.relation(table, snapshotId === undefined ? {} : { snapshotId })
    const columns = (await lakehouse.table(table))?.columns.map(({ name }) => name) ?? []
    if (!columns.includes(rule.to.column)) throw noColumn(rule.name, table, rule.to.column, columns)
    return [[rule.name, { relation, table }] as const]
  })
  return Object.fromEntries((await Promise.all(opened)).flat())
}

function noColumn(rule: string, table: string, column: string, columns: readonly string[]): EsteiraError {
  const near = nearest(column, columns)
  return new EsteiraError('ESTEIRA_COLUMN_MISSING', `rule ${rule}: ${table} has no column "${column}"`, {
    hint: near === undefined ? `The columns: ${columns.join(', ')}.` : `Did you mean "${near}"?`,
    details: { rule, table, column },
  })
}
