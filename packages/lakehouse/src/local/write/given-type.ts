import { childFields, type SchemaType } from '../../iceberg/schema-types.js'

/** The parts of a type that have names of their own, as DuckDB writes it; a type without such parts has none. */
interface GivenType {
  readonly kind: 'struct' | 'list' | 'map' | 'plain'
  readonly parts: readonly { readonly name: string; readonly type: GivenType }[]
}

const PLAIN: GivenType = { kind: 'plain', parts: [] }
const NAME = /^(?:"((?:[^"]|"")*)"|([^\s"(),]+))\s+/

/**
 * A field of a struct that is given and that the column does not have, as the path to it; undefined when there is none.
 * DuckDB would leave it out without a word.
 */
export function unknownPart(type: SchemaType, given: string): string | undefined {
  return findUnknown(type, parseType(given.trim()), [])
}

function findUnknown(type: SchemaType, given: GivenType, path: readonly string[]): string | undefined {
  if (typeof type === 'string' || type.type !== given.kind) return undefined
  const known = childFields(type)
  for (const [index, part] of given.parts.entries()) {
    const isStruct = given.kind === 'struct'
    const field = isStruct ? known.find(({ name }) => name.toLowerCase() === part.name.toLowerCase()) : known[index]
    const at = isStruct ? [...path, part.name] : path
    // Rows without names (`row(1, 2)`) meet the fields by their order.
    if (field === undefined && part.name !== '') return at.join('.')
    const found = field === undefined ? undefined : findUnknown(field.type, part.type, at)
    if (found !== undefined) return found
  }
  return undefined
}

function parseType(text: string): GivenType {
  const list = /^(.*)\[\d*\]$/s.exec(text)
  if (list !== null) return { kind: 'list', parts: [{ name: '', type: parseType(list[1] ?? '') }] }
  const inner = /^(STRUCT|MAP)\((.*)\)$/s.exec(text)
  if (inner === null) return PLAIN
  const pieces = splitParts(inner[2] ?? '')
  if (inner[1] === 'MAP') return { kind: 'map', parts: pieces.map((each) => ({ name: '', type: parseType(each) })) }
  return { kind: 'struct', parts: pieces.map(parsePart) }
}

function parsePart(text: string): GivenType['parts'][number] {
  const name = /^TIME(?:STAMP)? WITH TIME ZONE/.test(text) ? null : NAME.exec(text)
  if (name === null) return { name: '', type: parseType(text) }
  return { name: name[1]?.replaceAll('""', '"') ?? name[2] ?? '', type: parseType(text.slice(name[0].length)) }
}

// At commas outside of brackets and quotes.
function splitParts(text: string): readonly string[] {
  const parts: string[] = []
  let [start, depth, quote] = [0, 0, '']
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '(') depth += 1
    else if (char === ')') depth -= 1
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return [...parts, text.slice(start).trim()]
}
