import { refuseSql } from './refuse-sql.js'

type Kind = 'text' | 'number' | 'name' | 'word' | 'mark'

interface Token {
  readonly kind: Kind
  readonly text: string
}

const TOKENS: readonly (readonly [Kind | 'blank', RegExp])[] = [
  ['blank', /\s+|--[^\n]*|\/\*[\s\S]*?\*\//y],
  ['text', /'(?:[^']|'')*'/y],
  ['name', /"(?:[^"]|"")*"/y],
  ['number', /(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y],
  ['word', /[\p{L}_][\p{L}\p{N}_$]*/uy],
  ['mark', /==|\*\*|::|<=|>=|<>|!=|\|\||[\s\S]/y],
]

/** What the parser understands and Athena does not, with the way to write it. */
const FOREIGN_MARKS: Readonly<Record<string, readonly [string, string]>> = {
  '==': ['"==" is no operator in Athena', 'Write =.'],
  '**': ['"**" is no operator in Athena', 'Write power(a, b).'],
  '::': ['"::" is no operator in Athena', 'Write cast(x as integer).'],
  '`': ['names are not quoted by ` in queries', 'Write "name".'],
}

/**
 * Refuses what the parser reads in a generous way, and the tree does not show any more.
 * @throws EsteiraError ESTEIRA_SQL
 */
export function checkSpelling(sql: string): void {
  const tokens = tokensOf(sql)
  tokens.forEach(({ kind, text }, index) => {
    const next = tokens[index + 1]
    const foreign = kind === 'mark' && Object.hasOwn(FOREIGN_MARKS, text) ? FOREIGN_MARKS[text] : undefined
    if (foreign !== undefined) throw refuseSql(...foreign)
    if (kind === 'text' && next?.kind === 'text') {
      throw refuseSql('two texts stand side by side without an operator', "Write 'a' || 'b'.")
    }
  })
  refuseFromFirst(tokens)
}

function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = []
  let glued = false
  for (let at = 0; at < sql.length; ) {
    const [kind, text] = tokenAt(sql, at)
    at += text.length
    if (kind === 'word' && glued) {
      const number = tokens.at(-1)?.text ?? ''
      throw refuseSql(
        `"${number}${text.slice(0, 20)}" is no number`,
        `Put a blank between them, or write the number in decimal digits.`,
      )
    }
    glued = kind === 'number'
    if (kind !== 'blank') tokens.push({ kind, text })
  }
  return tokens
}

function tokenAt(sql: string, at: number): readonly [Kind | 'blank', string] {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = at
    const text = pattern.exec(sql)?.[0]
    if (text !== undefined) return [kind, text]
  }
  return ['mark', sql.slice(at, at + 1)]
}

/** Functions whose arguments are separated by FROM. */
const WITH_FROM = new Set(['extract', 'trim', 'substring', 'overlay'])
const NEW_QUERY = new Set(['union', 'intersect', 'except'])

/** `FROM t` without a SELECT before it reads all columns elsewhere. */
function refuseFromFirst(tokens: readonly Token[]): void {
  let open = { selected: false, isCall: false }
  const outer: (typeof open)[] = []
  tokens.forEach(({ kind, text }, index) => {
    const word = kind === 'word' ? text.toLowerCase() : ''
    const before = tokens[index - 1]?.text.toLowerCase() ?? ''
    if (kind === 'mark' && text === '(') {
      outer.push(open)
      open = { selected: false, isCall: WITH_FROM.has(before) }
    } else if (kind === 'mark' && text === ')') open = outer.pop() ?? { selected: true, isCall: false }
    else if (word === 'select') open = { ...open, selected: true }
    else if (NEW_QUERY.has(word) && tokens[index + 1]?.text !== '(') open = { ...open, selected: false }
    else if (word === 'from' && before !== 'distinct' && !open.selected && !open.isCall) {
      throw refuseSql('FROM stands without a SELECT', 'Write SELECT * FROM t.')
    }
  })
}
