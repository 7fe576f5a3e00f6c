/**
 * A source text without its comments, and without the content of its quoted strings where `strings` is false;
 * line breaks stay, so line numbers hold. Template literals stay as they are: they hold code.
 */
export function codeOf(text: string, options: { readonly strings: boolean }): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:^|[(,=:[!&|?{};+\n]|\breturn|=>)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/g
  return text.replace(token, (found) => {
    if (found.startsWith('`')) return found
    if (found.startsWith('//') || found.startsWith('/*')) return found.replace(/[^\n]/g, ' ')
    if (found.startsWith('/')) return '/regex/'
    return options.strings ? found : `${found[0]}${found[0]}`
  })
}

export interface Import {
  readonly specifier: string
  /** `type` leaves nothing at run time, `dynamic` loads when the line is reached, `static` when the file is loaded. */
  readonly kind: 'static' | 'type' | 'dynamic'
}

/** Every import and re-export of a source text. */
export function importsOf(text: string): readonly Import[] {
  const code = codeOf(text, { strings: true })
  const names = String.raw`(?:[\w$]+\s*,\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+)`
  const statements = new RegExp(
    String.raw`^[ \t]*(?:import\s*|(?:import|export)(\s+type(?=\s*[{*]|\s+(?!from\b)[\w$]+\s+from\b))?\s*${names}\s*from\s*)['"]([^'"\n]+)['"]`,
    'gm',
  )
  const calls = /\b(?:import|require(?:\.resolve)?)\(\s*['"]([^'"\n]+)['"]/g
  return [
    ...[...code.matchAll(statements)].map(([, type, specifier = '']): Import => {
      return { specifier, kind: type === undefined ? 'static' : 'type' }
    }),
    ...[...code.matchAll(calls)].map(([, specifier = '']): Import => ({ specifier, kind: 'dynamic' })),
  ]
}

/** `@scope/name` or `name` of a bare specifier; undefined for relative paths and Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('/') || specifier.startsWith('node:')) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
