import { EsteiraError, nearest, type TableChange, type TableColumnType } from '@esteira/core'
import { columnTypeOf, isColumnType, newFields, normalType, schemaTypeOf } from './column-types.js'
import { allFields, childFields, type SchemaField, type SchemaType } from './schema-types.js'
import { sortSources } from './sort-order.js'
import { withFields } from './table-changes.js'
import { currentSchema, currentSnapshot, type TableMetadata } from './table-metadata.js'
import { decimalShape } from './values.js'

/** A change of the columns alone. */
export type ColumnChange = Extract<TableChange, { readonly column: string }>

/**
 * The table with a column added, renamed, dropped, moved, widened, made optional or described: by field id, so that files
 * stay as they are.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_MISSING, ESTEIRA_UNSUPPORTED for what would spoil rows that are there, ESTEIRA_USAGE
 */
export function withColumnChange(metadata: TableMetadata, table: string, change: ColumnChange): TableMetadata {
  const evolution = new ColumnEvolution(metadata, table)
  return change.op === 'add' ? evolution.add(change) : evolution.edit(change)
}

type Change<Op extends ColumnChange['op']> = Extract<ColumnChange, { readonly op: Op }>
/** Gives the fields of one level with one of them changed. `inside` names the kind of type they stand in. */
type Edit = (siblings: readonly SchemaField[], index: number, inside: Inside) => readonly SchemaField[]
type Inside = 'struct' | 'list' | 'map'

class ColumnEvolution {
  readonly #metadata: TableMetadata
  readonly #table: string
  readonly #fields: readonly SchemaField[]

  constructor(metadata: TableMetadata, table: string) {
    this.#metadata = metadata
    this.#table = table
    this.#fields = currentSchema(metadata).fields
  }

  add({ column, type, required = false, doc }: Change<'add'>): TableMetadata {
    if (!isColumnType(type)) throw this.#usage(`column ${column} has unknown type ${String(type)}`)
    if (required && currentSnapshot(this.#metadata) !== undefined) {
      throw this.#refusal(
        column,
        `column ${column} cannot be added to table ${this.#table} as required: its rows have no value there`,
        'Add the column without required.',
      )
    }
    const dot = column.lastIndexOf('.')
    const name = column.slice(dot + 1)
    if (name === '') throw this.#usage('a column has no name')
    const made = newFields(
      [{ name, type, required, ...(doc === undefined ? {} : { doc }) }],
      this.#metadata['last-column-id'],
    )
    const place = (siblings: readonly SchemaField[]) => {
      this.#refuseTaken(siblings, name, undefined)
      return [...siblings, ...made.fields]
    }
    const fields =
      dot < 0
        ? place(this.#fields)
        : this.#at(column.slice(0, dot), (siblings, index) => {
            const parent = siblings[index]
            if (parent === undefined || typeof parent.type === 'string' || parent.type.type !== 'struct') {
              throw this.#usage(`${column.slice(0, dot)} is no struct that could have a field ${name}`)
            }
            return replaced(siblings, index, { ...parent, type: { ...parent.type, fields: place(parent.type.fields) } })
          })
    return withFields({ ...this.#metadata, 'last-column-id': made.lastColumnId }, fields)
  }

  edit(change: Exclude<ColumnChange, Change<'add'>>): TableMetadata {
    return withFields(
      this.#metadata,
      this.#at(change.column, (siblings, index, inside) => {
        const field = siblings[index]
        if (field === undefined) return siblings
        if (inside !== 'struct' && (change.op === 'rename' || change.op === 'drop' || change.op === 'move')) {
          throw this.#usage(`${change.column} is part of a ${inside}, which has no names and no order of its own`)
        }
        switch (change.op) {
          case 'rename':
            this.#refuseTaken(siblings, change.to, field.id)
            return replaced(siblings, index, { ...field, name: change.to })
          case 'drop':
            this.#refuseNeeded(change.column, field, siblings)
            return siblings.filter((each) => each !== field)
          case 'move':
            return this.#moved(siblings, field, change)
          case 'widen':
            return replaced(siblings, index, { ...field, type: this.#widened(field, change.type) })
          case 'make optional':
            this.#refuseIdentifier(change.column, field)
            return replaced(siblings, index, { ...field, required: false })
          case 'describe':
            return replaced(siblings, index, { ...field, doc: change.doc })
        }
      }),
    )
  }

  #at(path: string, edit: Edit): readonly SchemaField[] {
    const edited = editAt(this.#fields, path, edit, 'struct')
    if (edited !== undefined) return edited
    const names = [...allFields(this.#fields)].map((each) => each.path.map(({ name }) => name).join('.'))
    const similar = nearest(path, names)
    throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `table ${this.#table} has no column ${path} to change`, {
      hint: similar === undefined ? `Its columns: ${names.join(', ')}.` : `Did you mean ${similar}?`,
      details: { table: this.#table, column: path },
    })
  }

  #moved(
    siblings: readonly SchemaField[],
    field: SchemaField,
    { column, after }: Change<'move'>,
  ): readonly SchemaField[] {
    const others = siblings.filter((each) => each !== field)
    if (after === undefined) return [field, ...others]
    const name = after.slice(after.lastIndexOf('.') + 1).toLowerCase()
    const target = others.findIndex(
      (each) => each.name.toLowerCase() === name || each.name.toLowerCase() === after.toLowerCase(),
    )
    if (target < 0) throw this.#usage(`there is no column ${after} that ${column} could stand behind`)
    return [...others.slice(0, target + 1), field, ...others.slice(target + 1)]
  }

  #widened(field: SchemaField, type: TableColumnType): SchemaType {
    if (!isColumnType(type)) throw this.#usage(`column ${field.name} has unknown type ${String(type)}`)
    const from = columnTypeOf(field, this.#table)
    const to = normalType(type)
    if (from === to) return field.type
    if (isWidening(from, to)) return schemaTypeOf(to, () => 0)
    throw this.#refusal(
      field.name,
      `column ${field.name} of table ${this.#table} cannot be changed from ${from} to ${to}`,
      'A column can be widened from int to long, from float to double, and a decimal to more digits. Otherwise add a new column.',
    )
  }

  #refuseTaken(siblings: readonly SchemaField[], name: string, ownId: number | undefined): void {
    if (name === '') throw this.#usage('a column has no name')
    const found = siblings.find((each) => each.id !== ownId && each.name.toLowerCase() === name.toLowerCase())
    if (found !== undefined)
      throw this.#usage(`there is a column ${found.name} already (names do not differ by case alone)`)
    const partition = this.#metadata['partition-specs']
      .flatMap(({ fields }) => fields)
      .find((each) => each.name.toLowerCase() === name.toLowerCase() && each['source-id'] !== ownId)
    if (siblings === this.#fields && partition !== undefined)
      throw this.#usage(`${name} is the name of a partition field already`)
  }

  #refuseNeeded(column: string, field: SchemaField, siblings: readonly SchemaField[]): void {
    if (siblings.length === 1) throw this.#usage(`${column} is the only column there is`)
    const ids = new Set([...allFields([field])].map((each) => each.field.id))
    const partition = this.#metadata['partition-specs']
      .flatMap((spec) => spec.fields)
      .find((each) => ids.has(each['source-id']))
    if (partition !== undefined) {
      throw this.#refusal(
        column,
        `column ${column} of table ${this.#table} cannot be dropped: files are or were partitioned by it (${partition.name})`,
        'Keep the column: its partitioning stands in the history of the table. A copy of the table under a new name can do without.',
      )
    }
    if (sortSources(this.#metadata).some((id) => ids.has(id))) {
      throw this.#refusal(
        column,
        `column ${column} of table ${this.#table} cannot be dropped: its files are sorted by it`,
        "Change the sort order first: { op: 'sort by', fields: [] }.",
      )
    }
    for (const each of allFields([field])) this.#refuseIdentifier(column, each.field)
  }

  #refuseIdentifier(column: string, field: SchemaField): void {
    const keys = currentSchema(this.#metadata)['identifier-field-ids']
    if (!Array.isArray(keys) || !keys.includes(field.id)) return
    throw this.#refusal(
      column,
      `column ${column} of table ${this.#table} is part of its key and stays as it is`,
      'Take it out of the identifier fields with the engine that put it there.',
    )
  }

  #usage(reason: string): EsteiraError {
    return new EsteiraError('ESTEIRA_USAGE', `table ${this.#table} cannot be changed so: ${reason}`, {
      details: { table: this.#table },
    })
  }

  #refusal(column: string, message: string, hint: string): EsteiraError {
    return new EsteiraError('ESTEIRA_UNSUPPORTED', message, { hint, details: { table: this.#table, column } })
  }
}

function editAt(
  fields: readonly SchemaField[],
  path: string,
  edit: Edit,
  inside: Inside,
): readonly SchemaField[] | undefined {
  const wanted = path.toLowerCase()
  const index = fields.findIndex(({ name }) => name.toLowerCase() === wanted)
  if (index >= 0) return edit(fields, index, inside)
  for (const [at, field] of fields.entries()) {
    if (typeof field.type === 'string' || !wanted.startsWith(`${field.name.toLowerCase()}.`)) continue
    const rest = path.slice(field.name.length + 1)
    const children = editAt(childFields(field.type), rest, edit, field.type.type)
    if (children !== undefined) return replaced(fields, at, { ...field, type: withChildren(field.type, children) })
  }
  return undefined
}

function withChildren(type: Exclude<SchemaType, string>, children: readonly SchemaField[]): SchemaType {
  if (type.type === 'struct') return { ...type, fields: children }
  const part = (name: string) => children.find((each) => each.name === name)
  if (type.type === 'list') {
    const element = part('element')
    return { ...type, element: element?.type ?? type.element, 'element-required': element?.required ?? false }
  }
  const value = part('value')
  return { ...type, value: value?.type ?? type.value, 'value-required': value?.required ?? false }
}

function replaced(fields: readonly SchemaField[], index: number, field: SchemaField): readonly SchemaField[] {
  return fields.map((each, at) => (at === index ? field : each))
}

function isWidening(from: TableColumnType, to: TableColumnType): boolean {
  if ((from === 'int' && to === 'long') || (from === 'float' && to === 'double')) return true
  const [before, after] = [decimalShape(from), decimalShape(to)]
  return (
    before !== undefined && after !== undefined && after.scale === before.scale && after.precision > before.precision
  )
}
