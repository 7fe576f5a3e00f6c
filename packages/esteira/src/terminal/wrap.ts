/** A command is copied and pasted: a line break inside would cut it. */
const COMMAND = /\b(npx esteira|npm run|node steps)\b/

/** Breaks a line of text at blanks so that no piece is wider than `width`, except a single word that is, or a command. */
export function wrap(text: string, width: number): string[] {
  if (text.length <= width || COMMAND.test(text)) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      // A separator belongs to what stands before it.
      lines.push(line)
      line = word === '·' ? '' : word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}
