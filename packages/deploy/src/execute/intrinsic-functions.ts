import type { Json } from '../document/asl-document.js'
import { isList, isObject } from './path.js'
import { StatesError } from './states-error.js'

/** @throws StatesError States.IntrinsicFailure when the arguments do not fit. */
export type IntrinsicFunction = (args: readonly Json[]) => Json

/** The intrinsic functions that are executed here, after the Amazon States Language specification, appendix B. */
export const INTRINSICS: ReadonlyMap<string, IntrinsicFunction> = new Map<string, IntrinsicFunction>([
  ['States.Format', format],
  ['States.StringToJson', ([text]) => parseJson(textOf('StringToJson', text))],
  ['States.JsonToString', ([value]) => JSON.stringify(value ?? null)],
  ['States.JsonMerge', jsonMerge],
  ['States.StringSplit', stringSplit],
  ['States.MathAdd', ([a, b]) => integerOf('MathAdd', a) + integerOf('MathAdd', b)],
  ['States.Array', (args) => args],
  ['States.ArrayRange', arrayRange],
  ['States.ArrayLength', ([list]) => listOf('ArrayLength', list).length],
  ['States.ArrayGetItem', arrayGetItem],
  [
    'States.ArrayContains',
    ([list, value]) => listOf('ArrayContains', list).some((item) => sameJson(item, value ?? null)),
  ],
  ['States.ArrayUnique', ([list]) => unique(listOf('ArrayUnique', list))],
])

function format([template, ...values]: readonly Json[]): Json {
  const parts = textOf('Format', template).split('{}')
  if (parts.length - 1 !== values.length) fail('Format', `${parts.length - 1} places and ${values.length} values`)
  return parts.map((part, index) => (index === 0 ? part : showJson(values[index - 1] ?? null) + part)).join('')
}

function showJson(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return fail('StringToJson', `not JSON: ${text.slice(0, 40)}`)
  }
}

function jsonMerge([first, second, deep]: readonly Json[]): Json {
  if (!isObject(first) || !isObject(second) || deep !== false) fail('JsonMerge', 'two objects and false are expected')
  return { ...first, ...second }
}

/** Each character of the second argument splits; empty pieces are left out. */
function stringSplit([text, characters]: readonly Json[]): Json {
  const marks = textOf('StringSplit', characters)
  const pieces = ['']
  for (const char of textOf('StringSplit', text)) {
    if (marks.includes(char)) pieces.push('')
    else pieces.push((pieces.pop() ?? '') + char)
  }
  return pieces.filter((piece) => piece !== '')
}

function arrayRange([first, last, step]: readonly Json[]): Json {
  const [from, to, by] = [first, last, step].map((value) => integerOf('ArrayRange', value))
  if (from === undefined || to === undefined || by === undefined || by === 0)
    return fail('ArrayRange', 'a step of zero')
  const count = Math.max(0, Math.floor((to - from) / by) + 1)
  if (count > 1000) fail('ArrayRange', `${count} items; 1000 are allowed`)
  return Array.from({ length: count }, (_, index) => from + index * by)
}

function arrayGetItem([list, index]: readonly Json[]): Json {
  const item = listOf('ArrayGetItem', list)[integerOf('ArrayGetItem', index)]
  return item === undefined ? fail('ArrayGetItem', `there is no item ${showJson(index ?? null)}`) : item
}

function unique(list: readonly Json[]): Json {
  return list.filter((item, index) => list.findIndex((other) => sameJson(other, item)) === index)
}

function sameJson(a: Json, b: Json): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, index) => sameJson(item, b[index] ?? null))
  if (!isObject(a) || !isObject(b)) return a === b
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key] ?? null, b[key] ?? null))
  )
}

function textOf(name: string, value: Json | undefined): string {
  return typeof value === 'string' ? value : fail(name, 'text is expected')
}

function integerOf(name: string, value: Json | undefined): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : fail(name, 'a whole number is expected')
}

function listOf(name: string, value: Json | undefined): readonly Json[] {
  return isList(value) ? value : fail(name, 'a list is expected')
}

function fail(name: string, what: string): never {
  throw new StatesError('States.IntrinsicFailure', `States.${name}: ${what}`)
}
