import type { SchemaField, SchemaType } from './schema-types.js'

const PRIMITIVE = /^(?:boolean|int|long|float|double|string|date|time|timestamp|timestamptz|uuid|binary)$/
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const TOKEN = /\s*("(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_]*|\d+|[<>(),:])/y

/** A type as people write it, before its parts have ids. */
export type TypeTree =
  | { readonly kind: 'primitive'; readonly name: string }
  | { readonly kind: 'list'; readonly element: TypeTree }
  | { readonly kind: 'map'; readonly key: TypeTree; readonly value: TypeTree }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: TypeTree }[] }

/** Reads `decimal(18,4)`, `list<struct<a: int, "b c": string>>`, …; undefined when the text is no type. */
export function parseTypeText(text: string): TypeTree | undefined {
  const reader = new TokenReader(text)
  const tree = readType(reader)
  return tree !== undefined && reader.atEnd ? tree : undefined
}

class TokenReader {
  readonly #tokens: string[] = []
  #next = 0

  constructor(text: string) {
    let end = 0
    for (const match of text.matchAll(new RegExp(TOKEN, 'gy'))) {
      this.#tokens.push(match[1] ?? '')
      end = match.index + match[0].length
    }
    if (text.slice(end).trim() !== '') this.#tokens.push('?')
  }

  get atEnd(): boolean {
    return this.#next === this.#tokens.length
  }

  take(): string {
    return this.#tokens[this.#next++] ?? ''
  }

  skip(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false
    this.#next += 1
    return true
  }
}

function readType(reader: TokenReader): TypeTree | undefined {
  const word = reader.take()
  switch (word) {
    case 'list':
      return readList(reader)
    case 'map':
      return readMap(reader)
    case 'struct':
      return readStruct(reader)
    case 'fixed':
    case 'decimal':
      return readSized(word, reader)
    default:
      return PRIMITIVE.test(word) ? { kind: 'primitive', name: word } : undefined
  }
}

function readSized(word: 'fixed' | 'decimal', reader: TokenReader): TypeTree | undefined {
  if (!reader.skip('(')) return undefined
  const first = Number(reader.take())
  const second = word === 'decimal' && reader.skip(',') ? Number(reader.take()) : undefined
  if (!reader.skip(')')) return undefined
  if (word === 'fixed') return first > 0 ? { kind: 'primitive', name: `fixed[${first}]` } : undefined
  const valid = second !== undefined && first >= 1 && first <= 38 && second <= first
  return valid ? { kind: 'primitive', name: `decimal(${first}, ${second})` } : undefined
}

function readList(reader: TokenReader): TypeTree | undefined {
  const element = reader.skip('<') ? readType(reader) : undefined
  return element !== undefined && reader.skip('>') ? { kind: 'list', element } : undefined
}

function readMap(reader: TokenReader): TypeTree | undefined {
  const key = reader.skip('<') ? readType(reader) : undefined
  const value = key !== undefined && reader.skip(',') ? readType(reader) : undefined
  return key !== undefined && value !== undefined && reader.skip('>') ? { kind: 'map', key, value } : undefined
}

function readStruct(reader: TokenReader): TypeTree | undefined {
  if (!reader.skip('<')) return undefined
  const fields: { name: string; type: TypeTree }[] = []
  do {
    const name = plainName(reader.take())
    const type = name !== undefined && reader.skip(':') ? readType(reader) : undefined
    if (name === undefined || type === undefined || fields.some((each) => sameName(each.name, name))) return undefined
    fields.push({ name, type })
  } while (reader.skip(','))
  return reader.skip('>') ? { kind: 'struct', fields } : undefined
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function plainName(token: string): string | undefined {
  if (PLAIN_NAME.test(token)) return token
  const quoted = /^"(.+)"$/s.exec(token)?.[1]
  return quoted?.replaceAll('""', '"')
}

/**
 * Gives the parts of a type ids, the way Iceberg's own writers do: the fields of a struct first, then what is inside of them.
 */
export function withIds(tree: TypeTree, nextId: () => number): SchemaType {
  switch (tree.kind) {
    case 'primitive':
      return tree.name
    case 'list': {
      const id = nextId()
      return { type: 'list', 'element-id': id, element: withIds(tree.element, nextId), 'element-required': false }
    }
    case 'map': {
      const ids = [nextId(), nextId()] as const
      const [key, value] = [withIds(tree.key, nextId), withIds(tree.value, nextId)]
      return { type: 'map', 'key-id': ids[0], key, 'value-id': ids[1], value, 'value-required': false }
    }
    case 'struct': {
      const ids = tree.fields.map(nextId)
      const fields = tree.fields.map(
        ({ name, type }, index): SchemaField => ({
          id: ids[index] ?? 0,
          name,
          required: false,
          type: withIds(type, nextId),
        }),
      )
      return { type: 'struct', fields }
    }
  }
}

/** The type as people write it. Primitives that we do not know keep their own text. */
export function typeText(type: SchemaType): string {
  if (typeof type === 'string') {
    return type.replace(/^decimal\((\d+),\s*(\d+)\)$/, 'decimal($1,$2)').replace(/^fixed\[(\d+)\]$/, 'fixed($1)')
  }
  if (type.type === 'list') return `list<${typeText(type.element)}>`
  if (type.type === 'map') return `map<${typeText(type.key)}, ${typeText(type.value)}>`
  const fields = type.fields.map((field) => `${fieldNameText(field.name)}: ${typeText(field.type)}`)
  return `struct<${fields.join(', ')}>`
}

function fieldNameText(name: string): string {
  return PLAIN_NAME.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
