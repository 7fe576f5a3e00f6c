/**
 * Names of matrix columns: unique, and without the characters that XGBoost's readers refuse (`[`, `]`, `<`) or that
 * break a line of text.
 */
export class OutputNames {
  readonly #taken = new Set<string>()

  /** The wanted name, changed as little as possible, now taken. */
  take(wanted: string): string {
    const clean = wanted
      .replaceAll('[', '(')
      .replaceAll(']', ')')
      .replaceAll('<', '(')
      .replace(/\p{Cc}/gu, ' ')
    let name = clean
    for (let copy = 2; this.#taken.has(name); copy++) name = `${clean}_${copy}`
    this.#taken.add(name)
    return name
  }
}
