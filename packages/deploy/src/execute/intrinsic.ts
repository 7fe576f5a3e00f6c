import { EsteiraError } from '@esteira/core'
import type { Json } from '../document/asl-document.js'
import { INTRINSICS, type IntrinsicFunction } from './intrinsic-functions.js'
import { type PathScope, parsePath, type ReferencePath, readAt } from './path.js'

/** What stands right of a key that ends in `.$`: a path, or an intrinsic function over paths and literals. */
export type Expression =
  | { readonly kind: 'path'; readonly path: ReferencePath }
  | { readonly kind: 'literal'; readonly value: Json }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly run: IntrinsicFunction
      readonly args: readonly Expression[]
    }

/** @throws EsteiraError ESTEIRA_UNSUPPORTED naming the function or the text that is not executed here. */
export function parseExpression(text: string): Expression {
  const [expression, end] = readExpression(text, 0)
  if (end !== text.length) throw unsupported(text, text.slice(end))
  return expression
}

/** @throws StatesError when a path leads nowhere or a function does not take its arguments. */
export function evaluate(expression: Expression, scope: PathScope): Json {
  if (expression.kind === 'literal') return expression.value
  if (expression.kind === 'path') return readAt(expression.path, scope, 'States.ParameterPathFailure')
  return expression.run(expression.args.map((argument) => evaluate(argument, scope)))
}

const TOKENS = {
  path: /\$\$?(?:\.[^.[\]()*?@'"\s$,]+|\[\d+\]|\['[^']+'\])*/y,
  name: /States\.[A-Za-z0-9]+/y,
  text: /'((?:[^'\\]|\\.)*)'/y,
  number: /-?\d+(?:\.\d+)?/y,
  word: /true|false|null/y,
}

function readExpression(text: string, from: number): [Expression, number] {
  const at = skipBlanks(text, from)
  const path = match(TOKENS.path, text, at)
  if (path !== undefined) return [{ kind: 'path', path: parsePath(path[0]) }, at + path[0].length]
  const name = match(TOKENS.name, text, at)
  if (name !== undefined) return readCall(text, name[0], at + name[0].length)
  const quoted = match(TOKENS.text, text, at)
  if (quoted !== undefined) return [literal((quoted[1] ?? '').replace(/\\(['\\])/g, '$1')), at + quoted[0].length]
  const number = match(TOKENS.number, text, at)
  if (number !== undefined) return [literal(Number(number[0])), at + number[0].length]
  const word = match(TOKENS.word, text, at)
  if (word !== undefined) return [literal(word[0] === 'null' ? null : word[0] === 'true'), at + word[0].length]
  throw unsupported(text, text.slice(at))
}

function readCall(text: string, name: string, from: number): [Expression, number] {
  const run = INTRINSICS.get(name)
  if (run === undefined) throw unsupported(text, name)
  if (text[from] !== '(') throw unsupported(text, text.slice(from))
  const args: Expression[] = []
  let at = skipBlanks(text, from + 1)
  while (text[at] !== ')') {
    const [argument, end] = readExpression(text, at)
    args.push(argument)
    at = skipBlanks(text, end)
    if (text[at] === ',') at = skipBlanks(text, at + 1)
    else if (text[at] !== ')') throw unsupported(text, text.slice(at))
  }
  return [{ kind: 'call', name, run, args }, at + 1]
}

function match(token: RegExp, text: string, at: number): RegExpExecArray | undefined {
  token.lastIndex = at
  return token.exec(text) ?? undefined
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (text[at] === ' ') at++
  return at
}

function literal(value: Json): Expression {
  return { kind: 'literal', value }
}

function unsupported(text: string, rest: string): EsteiraError {
  return new EsteiraError('ESTEIRA_UNSUPPORTED', `the expression ${text} is not executed here: "${rest}"`)
}
