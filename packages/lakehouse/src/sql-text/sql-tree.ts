import { refuseSql } from './refuse-sql.js'

/** A node of the parsed tree: polyglot writes `{ "<tag>": { …fields } }`. */
export interface SqlNode {
  readonly tag: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** How something was written, not what it means: comments, positions, optional key words. */
const SPELLING = new Set([
  'span',
  'leading_comments',
  'trailing_comments',
  'left_comments',
  'operator_comments',
  'pre_alias_comments',
  'alias_explicit_as',
  'alias_keyword',
  'alias_first',
  'original_name',
  'from_for_syntax',
  'integer_spelling',
  'kind_text',
  'start_side_text',
  'end_side_text',
  'use_inner_keyword',
  'use_outer_keyword',
  'nesting_group',
  'explicit_asc',
  'rows',
])

/** The node in `value`. Comments around an expression are dropped. */
export function nodeOf(value: unknown): SqlNode {
  if (isRecord(value)) {
    const [entry, ...more] = Object.entries(value)
    if (entry !== undefined && more.length === 0) {
      const [tag, fields] = entry
      if (tag === 'annotated' && isRecord(fields)) return nodeOf(fields['this'])
      if (isRecord(fields)) return { tag, fields }
      if (fields === null) return { tag, fields: {} }
    }
  }
  throw refuseSql('a part of the statement cannot be understood', 'Write it in a simpler way.')
}

/** The node in a field, or undefined when the field is empty. */
export function optionalNode(value: unknown): SqlNode | undefined {
  return isEmpty(value) ? undefined : nodeOf(value)
}

export function nodesOf(value: unknown): readonly SqlNode[] {
  return listOf(value).map(nodeOf)
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

/**
 * Refuses a node that says more than `known` fields: what is not read here would silently be left out.
 * @throws EsteiraError ESTEIRA_SQL
 */
export function allowFields(where: string, fields: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const [name, value] of Object.entries(fields)) {
    if (isEmpty(value) || known.includes(name) || SPELLING.has(name)) continue
    throw refuseSql(`${where}: "${name.replaceAll('_', ' ').trim()}" is not in the SQL subset`, 'Leave it out.')
  }
}

/** A name as it was written; neither engine tells upper from lower case when it looks one up. */
export function identifier(value: unknown): string {
  const { name } = recordOf(value)
  if (typeof name !== 'string') throw refuseSql('a name was expected and none came', 'Check the statement.')
  return name
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
