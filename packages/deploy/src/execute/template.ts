import type { Json } from '../document/asl-document.js'
import { evaluate, parseExpression } from './intrinsic.js'
import { isList, isObject, type PathScope } from './path.js'

/** A payload template filled in: the value of a key that ends in `.$` is a path or an intrinsic function. */
export function fillTemplate(template: Json, scope: PathScope): Json {
  if (isList(template)) return template.map((item) => fillTemplate(item, scope))
  if (!isObject(template)) return template
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith('.$')
        ? [key.slice(0, -2), evaluate(parseExpression(String(value)), scope)]
        : [key, fillTemplate(value, scope)],
    ),
  )
}

/** @throws EsteiraError ESTEIRA_UNSUPPORTED for the first expression in the template that is not executed here. */
export function checkTemplate(template: Json): void {
  if (isList(template)) for (const item of template) checkTemplate(item)
  if (!isObject(template)) return
  for (const [key, value] of Object.entries(template)) {
    if (key.endsWith('.$')) parseExpression(String(value))
    else checkTemplate(value)
  }
}
