/**
 * Splits a command line into words as a POSIX shell does (blanks, quotes, backslashes), without being a shell:
 * what only a shell can do (pipes, variables, several commands) is refused, because nothing would do it.
 * @throws RangeError saying what stands in the way.
 */
export function splitCommand(text: string): string[] {
  const words: string[] = []
  const source = text.trim()
  let word: string | undefined
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at)
    if (char === "'" || char === '"') {
      const end = char === "'" ? source.indexOf("'", at + 1) : closingQuote(source, at)
      if (end < 0) throw new RangeError(`the quote ${char} that opens at character ${at + 1} is never closed`)
      const quoted = source.slice(at + 1, end)
      word = (word ?? '') + (char === "'" ? quoted : unescapeDoubleQuoted(quoted))
      at = end
    } else if (char === '\\') {
      const escaped = source.charAt(at + 1)
      if (escaped === '') throw new RangeError('it ends with a backslash')
      if (escaped !== '\n') word = (word ?? '') + escaped
      at++
    } else if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      refuseShell(source, at)
      word = (word ?? '') + char
    }
  }
  if (word !== undefined) words.push(word)
  if (words.length === 0 || words[0] === '') throw new RangeError('it names no program')
  return words
}

function closingQuote(source: string, open: number): number {
  for (let at = open + 1; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === '"') return at
    else if (source[at] === '$' || source[at] === '`') refuseShell(source, at)
  }
  return -1
}

/** Between double quotes a backslash is special only before these (POSIX 2.2.3). */
function unescapeDoubleQuoted(text: string): string {
  return text.replace(/\\([$`"\\\n])/g, (_, char: string) => (char === '\n' ? '' : char))
}

function refuseShell(source: string, at: number): void {
  const char = source.charAt(at)
  const isVariable = char === '$' && /[A-Za-z0-9_{(@*#?$!'"-]/.test(source.charAt(at + 1))
  if (isVariable || '|&;<>()`\n'.includes(char)) {
    const shown = char === '\n' ? 'a line break' : `"${char}"`
    throw new RangeError(`${shown} needs a shell, and none is involved; quote it, or write [sh, -c, "…"]`)
  }
}
