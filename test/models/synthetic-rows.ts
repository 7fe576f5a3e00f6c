import type { Column, Frame } from '@esteira/core'
import { type FeatureMatrix, FeatureTransformer, type LabelledMatrix, type ModelType } from '@esteira/models'

/** Rows of every type of feature, with nulls, NaN, infinities and a target that depends on three of them. */
export interface SyntheticRows {
  readonly frame: Frame
  readonly labels: Uint8Array
}

/** The library the tests train with: the one that set-up brought, or the user's own. */
export const native: { readonly threads: number; readonly xgboostLibrary?: string } = {
  threads: 1,
  ...(process.env['ESTEIRA_XGBOOST_LIB'] ? { xgboostLibrary: process.env['ESTEIRA_XGBOOST_LIB'] } : {}),
}

/** A linear congruential stream (Numerical Recipes), so that the rows do not depend on the code under test. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** `strange` adds levels and values that no training row has. */
export function syntheticRows(rowCount: number, seed: number, strange = false): SyntheticRows {
  const random = numbers(seed)
  const spend = new Float64Array(rowCount)
  const visits = new Int32Array(rowCount)
  const booked = new BigInt64Array(rowCount)
  const member = new Uint8Array(rowCount)
  const cities: string[] = []
  const labels = new Uint8Array(rowCount)
  const nulls = {
    spend: mask(rowCount, random, 0.1),
    member: mask(rowCount, random, 0.1),
    city: mask(rowCount, random, 0.05),
  }
  for (let row = 0; row < rowCount; row++) {
    spend[row] = random() * 1000 - 300
    visits[row] = Math.floor(random() * 9)
    booked[row] = BigInt(Math.floor(random() * 1e9))
    member[row] = random() < 0.3 ? 1 : 0
    cities.push(pick(['Recife', 'São Paulo', 'Rio [RJ]', 'Olinda <PE>'], random()))
    const odds = (spend[row] ?? 0) / 300 + (visits[row] ?? 0) - 4 + (cities[row] === 'Recife' ? 2 : 0)
    labels[row] = random() < 1 / (1 + Math.exp(-odds)) ? 1 : 0
    if (random() < 0.02)
      spend[row] = pick([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e300], random())
    if (strange && random() < 0.1) cities[row] = 'Atlantis'
  }
  const columns = new Map<string, Column>([
    ['spend', { type: 'double', values: spend, nulls: nulls.spend }],
    ['visits', { type: 'int', values: visits }],
    ['city', { type: 'string', values: cities, nulls: nulls.city }],
    ['member', { type: 'boolean', values: member, nulls: nulls.member }],
    ['booked', { type: 'long', values: booked }],
    ['country', { type: 'string', values: cities.map(() => 'BR') }],
  ])
  return { frame: { rowCount, columns }, labels }
}

/** Training rows as the algorithm takes them, with their transformer. */
export function prepared(
  modelType: ModelType,
  { frame, labels }: SyntheticRows,
): LabelledMatrix & { transformer: FeatureTransformer } {
  const transformer = FeatureTransformer.forModel(modelType)
  return { matrix: transformer.fitTransform(frame), labels, transformer }
}

/** A matrix of columns x0, x1, …, uniform in [-1, 1), and labels drawn from a linear model. */
export function linearRows(rows: number, width: number, seed: number): { matrix: FeatureMatrix; labels: Uint8Array } {
  const random = numbers(seed)
  const values = Float32Array.from({ length: rows * width }, () => random() * 2 - 1)
  const labels = new Uint8Array(rows)
  for (let row = 0; row < rows; row++) {
    let odds = 0
    for (let column = 0; column < width; column++) odds += (values[row * width + column] ?? 0) * ((column % 5) - 2)
    labels[row] = random() < 1 / (1 + Math.exp(-odds)) ? 1 : 0
  }
  return { matrix: { rows, names: Array.from({ length: width }, (_, column) => `x${column}`), values }, labels }
}

/** A frame of one column. */
export function frameOf(name: string, column: Column): Frame {
  return { rowCount: column.values.length, columns: new Map([[name, column]]) }
}

function mask(rowCount: number, random: () => number, share: number): Uint8Array {
  return Uint8Array.from({ length: rowCount }, () => (random() < share ? 1 : 0))
}

function pick<T>(values: readonly T[], share: number): T {
  const value = values[Math.floor(share * values.length)]
  if (value === undefined) throw new RangeError('nothing to pick from')
  return value
}
