const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text made safe inside HTML elements and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character)
}

/** Escaped and cut to at most `length` characters. */
export function shortHtml(text: string, length: number): string {
  const characters = [...text]
  return escapeHtml(characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : text)
}
