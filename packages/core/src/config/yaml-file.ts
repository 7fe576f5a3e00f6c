import { createRequire } from 'node:module'
import type { Document, Node } from 'yaml'
import type { Fault, PlacedFault } from './fault.js'
import { showValue } from './fault.js'

const require = createRequire(import.meta.url)

/** Loaded with the first file: it is a fifth of what this package takes to load, and a help text needs none of it. */
function yaml(): typeof import('yaml') {
  return require('yaml')
}

/** A YAML file as plain data that still knows on which line each value stands. */
export interface YamlFile {
  readonly data: unknown
  /** What YAML itself objects to; with a syntax fault the data cannot be trusted. */
  readonly faults: readonly PlacedFault[]
  readonly isReadable: boolean
  place(fault: Fault): PlacedFault
}

/** Keys whose values are text even where YAML reads a number or a truth value: `version: 1.10` is "1.10". */
const TEXT_KEYS = new Set([
  'version',
  'python_version',
  'node_version',
  'description',
  'name',
  'command',
  'env_vars',
  'on',
])

/** Parses the first and only document of a YAML file. */
export function parseYaml(text: string): YamlFile {
  const { isCollection, LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    stringKeys: true,
    logLevel: 'error',
  })
  const faults = document.errors.map((error): PlacedFault => {
    const { line } = lines.linePos(error.pos[0])
    if (error.code === 'DUPLICATE_KEY') return { line, path: [keyAt(text, error.pos[0])], expected: 'each key once' }
    return { line, path: [], expected: `YAML; ${error.message}` }
  })
  const isReadable = document.errors.every((error) => error.code === 'DUPLICATE_KEY')
  keepText(document)
  const lineOf = (node: Node | undefined) => lines.linePos(node?.range?.[0] ?? 0).line
  return {
    ...toData(document, faults),
    isReadable,
    place: (fault) => {
      const { node, key } = find(document, fault.path)
      const aboutKey = fault.validKeys !== undefined || fault.about === 'key'
      const line = lineOf(aboutKey || isCollection(node) ? (key ?? node) : (node ?? key))
      if (fault.validKeys !== undefined) return { ...fault, line }
      if (aboutKey) return { ...fault, line, found: showValue(fault.path.at(-1)) }
      // Values of the environment may be secrets.
      if (fault.path.includes('env_vars') && fault.path.length > 2) return { ...fault, line }
      return { ...fault, line, found: node === undefined ? 'nothing' : showNode(node, document) }
    },
  }
}

function toData(document: Document, faults: readonly PlacedFault[]): { data: unknown; faults: readonly PlacedFault[] } {
  try {
    return { data: document.toJS({ maxAliasCount: 100 }), faults }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { data: undefined, faults: [...faults, { line: 1, path: [], expected: `YAML; ${reason}` }] }
  }
}

function keepText(document: Document): void {
  const { isPair, isScalar, visit } = yaml()
  visit(document, {
    Scalar(position, node, ancestors) {
      if (position === 'key' || (typeof node.value !== 'number' && typeof node.value !== 'boolean')) return
      const isText = ancestors.some((one) => isPair(one) && isScalar(one.key) && TEXT_KEYS.has(String(one.key.value)))
      if (isText && node.source !== undefined) node.value = node.source
    },
  })
}

/** The node at a path, and the key it stands under; of a path that ends too early, the last key there is. */
function find(document: Document, path: Fault['path']): { node: Node | undefined; key: Node | undefined } {
  const { isCollection, isMap, isScalar } = yaml()
  let node: Node | undefined = document.contents ?? undefined
  let key: Node | undefined
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part))
      if (pair === undefined) return { node: undefined, key: key ?? node }
      key = isScalar(pair.key) ? pair.key : key
      node = toNode(pair.value)
    } else if (isCollection(node) && typeof part === 'number') {
      node = toNode(node.items[part])
      key = node ?? key
    } else {
      // The path goes into what was written short, as one address for a list of them.
      return { node, key }
    }
  }
  return { node, key }
}

function toNode(value: unknown): Node | undefined {
  return value instanceof Object && 'range' in value ? (value as Node) : undefined
}

function showNode(node: Node, document: Document): string {
  const { isCollection, isMap, isScalar } = yaml()
  if (isMap(node)) return 'a mapping'
  if (isCollection(node)) return 'a list'
  if (isScalar(node) && (node.value === null || node.value === '')) return node.value === null ? 'nothing' : '""'
  return showValue(node.toJS(document))
}

function keyAt(text: string, offset: number): string {
  return /^[^\s:]+/.exec(text.slice(offset))?.[0] ?? '(key)'
}
