import { type Column, EsteiraError, exampleValues, toStrings } from '@esteira/core'

export interface LabelOptions {
  readonly target: string
  /** Value of the target that counts as 1, in any case. Default: 1, true or yes. */
  readonly positive?: string
}

/** Values of a target that count as 1 when nothing else is said. */
export const POSITIVES: readonly string[] = ['1', '1.0', 'true', 'yes']

/**
 * 1 where the target has its positive value, else 0.
 *
 * @throws EsteiraError ESTEIRA_TARGET when it has one class, or several values and no word on which counts as 1
 */
export function readLabels(column: Column, { target, positive }: LabelOptions): Uint8Array {
  const wanted = positive === undefined ? POSITIVES : [positive.trim().toLowerCase()]
  const texts = toStrings(column).map((text) => (text ?? '').trim())
  const labels = Uint8Array.from(texts, (text) => (wanted.includes(text.toLowerCase()) ? 1 : 0))
  const positives = labels.reduce((total, label) => total + label, 0)
  const values = [...new Set(texts)].sort()
  const refuse = (reason: string, hint: string) =>
    new EsteiraError('ESTEIRA_TARGET', `target "${target}" ${reason}`, {
      hint,
      details: { target, values: values.slice(0, 5) },
    })
  if (labels.length === 0) throw refuse('is empty in every row', 'Name a column with values: --target COLUMN.')
  const ask = 'Say which value counts as 1: --positive VALUE.'
  const shown = `its values are ${exampleValues(values)}`
  if (positives === 0 || positives === labels.length) {
    const none = `no row is positive (${wanted.join(', ')})`
    throw refuse(
      `has one class: ${positives === 0 ? none : 'every row is positive'}; ${shown}`,
      values.length > 1 ? ask : 'A classifier needs rows of both classes.',
    )
  }
  if (values.length > 2 && positive === undefined)
    throw refuse(`has ${values.length} values, expected two classes; ${shown}`, ask)
  return labels
}
