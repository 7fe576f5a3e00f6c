import { EsteiraError } from '@esteira/core'
import type { DataFile } from '../../iceberg/data-file.js'
import type { NamedField } from '../../iceberg/name-mapping.js'
import type { FileNode } from './file-shapes.js'

/** Whether a file's columns have field ids: those of Iceberg's own writers have. */
export function hasNumbers(nodes: readonly FileNode[]): boolean {
  return nodes.some(({ fieldId, children }) => fieldId !== undefined || hasNumbers(children))
}

/** The columns of a file without field ids, numbered by the names that the table's mapping gives them. */
export function numberNodes(nodes: readonly FileNode[], mapping: readonly NamedField[]): readonly FileNode[] {
  return nodes.map((node) => {
    const named = mapping.find(({ names }) => names.includes(node.name))
    return named === undefined ? node : numbered(node, named)
  })
}

function numbered(node: FileNode, { 'field-id': fieldId, fields = [] }: NamedField): FileNode {
  // The element of a list has a name of its own in every writer's files; the mapping calls it "element".
  const inner =
    node.kind === 'struct'
      ? numberNodes(node.children, fields)
      : node.children.map((child, index) => {
          const wanted = node.kind === 'list' ? 'element' : index === 0 ? 'key' : 'value'
          const named = fields.find(({ names }) => names.includes(wanted))
          return named === undefined ? child : numbered(child, named)
        })
  return { ...node, ...(fieldId === undefined ? {} : { fieldId }), children: inner }
}

/** The error of a file whose columns nobody can tell apart: by position they would silently be wrong. */
export function unnumberedFile(table: string, path: string): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `data file ${path} of table ${table} has no field ids, and the table has no name mapping`,
    {
      hint: 'Set the table property schema.name-mapping.default with the engine that added the file.',
      details: { table, file: path },
    },
  )
}

/** Deleted rows are found by DuckDB's columns `filename` and `file_row_number`: a file must not have its own. */
export function refuseOwnNames(
  table: string,
  { file, nodes }: { readonly file: DataFile; readonly nodes: readonly FileNode[] },
): void {
  const taken = nodes.find(({ name }) => /^(filename|file_row_number)$/i.test(name))
  if (taken === undefined) return
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `data file ${file.path} of table ${table} has deleted rows, a column named ${taken.name} and no field ids`,
    {
      hint: 'Rewrite the table with the engine that deleted the rows, then read it again.',
      details: { table, file: file.path, column: taken.name },
    },
  )
}
