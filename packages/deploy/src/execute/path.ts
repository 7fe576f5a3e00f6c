import { EsteiraError } from '@esteira/core'
import type { Json, JsonObject } from '../document/asl-document.js'
import { StatesError } from './states-error.js'

/** What paths of a state are read from: `$` is the data, `$$` the context object. */
export interface PathScope {
  readonly data: Json
  readonly context: JsonObject
}

/** A reference path: no wildcards, filters or slices, so it stands for one place. */
export interface ReferencePath {
  readonly text: string
  readonly root: 'data' | 'context'
  readonly keys: readonly (string | number)[]
}

/** @throws EsteiraError ESTEIRA_UNSUPPORTED when it is not a reference path. */
export function parsePath(text: string): ReferencePath {
  const root = text.startsWith('$$') ? 'context' : 'data'
  const rest = text.slice(root === 'context' ? 2 : 1)
  const keys: (string | number)[] = []
  const part = /\.([^.[\]()*?@'"\s$,]+)|\[(\d+)\]|\['([^']+)'\]/y
  while (part.lastIndex < rest.length) {
    const at = part.lastIndex
    const match = part.exec(rest)
    if (match === null || !text.startsWith('$')) throw unsupportedPath(text, rest.slice(at))
    keys.push(match[2] === undefined ? (match[1] ?? match[3] ?? '') : Number(match[2]))
  }
  if (!text.startsWith('$')) throw unsupportedPath(text, text)
  return { text, root, keys }
}

function unsupportedPath(text: string, rest: string): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `the path ${text} is not a reference path: "${rest}" is not executed here`,
  )
}

/** The value at the path, or undefined when there is none. */
export function findAt(path: ReferencePath, scope: PathScope): Json | undefined {
  let value: Json | undefined = scope[path.root]
  for (const key of path.keys) {
    if (isList(value)) value = typeof key === 'number' ? value[key] : undefined
    else if (isObject(value)) value = Object.hasOwn(value, key) ? value[key] : undefined
    else return undefined
  }
  return value
}

/** The value at the path. @throws StatesError with the given name when there is none. */
export function readAt(path: ReferencePath, scope: PathScope, error = 'States.Runtime'): Json {
  const value = findAt(path, scope)
  if (value !== undefined) return value
  throw new StatesError(
    error,
    `the path ${path.text} is not in the ${path.root === 'data' ? 'input' : 'context object'}`,
  )
}

/** A copy of `data` with `value` at the path; objects on the way are made. */
export function writeAt(path: ReferencePath, data: Json, value: Json): Json {
  return writeKeys(path, path.keys, data, value)
}

function writeKeys(path: ReferencePath, keys: readonly (string | number)[], data: Json | undefined, value: Json): Json {
  const [key, ...rest] = keys
  if (key === undefined) return value
  if (typeof key === 'string' && (data === undefined || isObject(data))) {
    return { ...data, [key]: writeKeys(path, rest, data?.[key], value) }
  }
  if (typeof key === 'number' && isList(data) && key < data.length) {
    return data.with(key, writeKeys(path, rest, data[key], value))
  }
  throw new StatesError('States.ResultPathMatchFailure', `the result cannot be put at ${path.text}`)
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
