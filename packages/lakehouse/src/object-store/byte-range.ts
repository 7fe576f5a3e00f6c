import { type ByteRange, EsteiraError } from '@esteira/core'

/** @throws EsteiraError ESTEIRA_USAGE for a range that is no range */
export function checkRange({ offset, length }: ByteRange, key: string): ByteRange {
  const fits = (value: number) => Number.isSafeInteger(value) && value >= 0
  if (fits(offset) && fits(length) && fits(offset + length)) return { offset, length }
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `object ${key}: expected a range of whole bytes, found ${offset} + ${length}`,
    {
      hint: 'Offset and length are whole numbers, 0 or more; the first byte is 0.',
      details: { key, offset, length },
    },
  )
}
