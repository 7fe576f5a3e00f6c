import { type Column, type ColumnType, EsteiraError, type Frame } from '@esteira/core'
import { encodeFrame } from './encode-frame.js'
import type { FeatureMatrix } from './feature-matrix.js'
import { fitColumn } from './fit-column.js'
import type { ModelType } from './model-type.js'
import { OutputNames } from './output-names.js'
import {
  type ColumnTransform,
  outputsOf,
  type TransformerDocument,
  transformerDocument,
} from './transformer-document.js'

export interface TransformerOptions {
  /** `median` fills missing numbers with the median (booleans with the more frequent value); `none` leaves them NaN. */
  readonly impute: 'median' | 'none'
  /** A column `<name>__missing` for each column that has missing values when fitted. */
  readonly indicators: boolean
  /** `standard` takes the mean from numbers and divides by the standard deviation. */
  readonly scaling: 'standard' | 'none'
  /** Levels kept of a text column, the most frequent ones; default 50. */
  readonly maxLevels?: number
}

/** What happened to the columns that are not in the matrix. */
export interface DroppedColumn {
  readonly name: string
  readonly reason: string
}

const TREES: TransformerOptions = { impute: 'none', indicators: false, scaling: 'none' }
const GRADIENTS: TransformerOptions = { impute: 'median', indicators: true, scaling: 'standard' }

/** How each algorithm takes its rows: trees split on a missing value by themselves, the others need numbers near 0. */
const PROFILES: Readonly<Record<ModelType, TransformerOptions>> = {
  xgboost: TREES,
  random_forest: TREES,
  neural_network: GRADIENTS,
  logistic_regression: GRADIENTS,
  ml_random_forest: { ...GRADIENTS, scaling: 'none' },
}

const ACCEPTED: Readonly<Record<ColumnTransform['kind'], readonly ColumnType[]>> = {
  number: ['int', 'long', 'double'],
  boolean: ['boolean'],
  string: ['string'],
}

/**
 * Turns rows of features into numbers. Everything it learns (medians, means, levels) it learns in {@link fit}; the
 * fitted transformer travels inside the model version, so training and scoring transform alike.
 *
 * Numbers: infinity and values beyond single precision count as missing. Text: one 0/1 column a level (the most
 * frequent ones, sorted); null, rarer and unseen values are 0 in all of them. Booleans are 0 and 1. Columns that
 * cannot help (constant, all null) are dropped, see {@link dropped}. Dates are refused.
 *
 * @example
 * const transformer = FeatureTransformer.forModel('xgboost')
 * const matrix = transformer.fitTransform(training)
 * const same = FeatureTransformer.fromJSON(JSON.parse(JSON.stringify(transformer))).transform(training)
 */
export class FeatureTransformer {
  readonly #options: TransformerOptions
  #document: TransformerDocument | undefined

  constructor(options: TransformerOptions) {
    this.#options = options
  }

  /** An unfitted transformer of the kind that an algorithm needs. */
  static forModel(modelType: ModelType, options: Partial<TransformerOptions> = {}): FeatureTransformer {
    return new FeatureTransformer({ ...PROFILES[modelType], ...options })
  }

  /**
   * A fitted transformer from the content of `transformer.json`.
   *
   * @throws EsteiraError `ESTEIRA_MODEL_CORRUPT` naming the first wrong field.
   */
  static fromJSON(content: unknown): FeatureTransformer {
    const parsed = transformerDocument.safeParse(content)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      throw new EsteiraError(
        'ESTEIRA_MODEL_CORRUPT',
        `transformer.json cannot be read: field ${issue?.path.join('.') || '(root)'}: ${issue?.message}`,
        { hint: 'Fetch the model version again, or train and register a new one.' },
      )
    }
    const transformer = new FeatureTransformer(TREES)
    transformer.#document = parsed.data
    return transformer
  }

  /**
   * Learns from the training rows; returns itself.
   *
   * @throws EsteiraError `ESTEIRA_NO_DATA` without rows, `ESTEIRA_FEATURES_REFUSED` for dates and timestamps or when no
   * column is left.
   */
  fit(frame: Frame): this {
    if (frame.rowCount === 0) {
      throw new EsteiraError('ESTEIRA_NO_DATA', 'the feature transformer was given no rows to fit on')
    }
    const names = new OutputNames()
    const columns: ColumnTransform[] = []
    const dropped: DroppedColumn[] = []
    for (const [name, column] of frame.columns) {
      const fitted = fitColumn(name, column, this.#options, names)
      if ('reason' in fitted) dropped.push({ name, reason: fitted.reason })
      else columns.push(fitted)
    }
    if (columns.length === 0) throw noColumnLeft(dropped)
    this.#document = { format: 'esteira.feature_transformer', version: 1, columns, dropped }
    return this
  }

  /**
   * The rows as numbers. Columns the transformer does not know are ignored.
   *
   * @throws EsteiraError `ESTEIRA_SIGNATURE` naming the columns that are missing or of another type.
   */
  transform(frame: Frame): FeatureMatrix {
    const { columns } = this.#fitted
    checkSignature(columns, frame)
    return encodeFrame(columns, frame)
  }

  /** {@link fit} and {@link transform} of the same rows. */
  fitTransform(frame: Frame): FeatureMatrix {
    return this.fit(frame).transform(frame)
  }

  /** Names of the matrix columns, in order. */
  get outputs(): readonly string[] {
    return this.#fitted.columns.flatMap(outputsOf)
  }

  /** Columns of the rows that are read, with the kind of value expected. */
  get inputs(): readonly { readonly name: string; readonly kind: 'number' | 'boolean' | 'string' }[] {
    return this.#fitted.columns.map(({ name, kind }) => ({ name, kind }))
  }

  /** Columns that were left out when fitted, and why. */
  get dropped(): readonly DroppedColumn[] {
    return this.#fitted.dropped
  }

  /** Content of `transformer.json`; numbers keep full double precision. */
  toJSON(): TransformerDocument {
    return this.#fitted
  }

  get #fitted(): TransformerDocument {
    if (this.#document !== undefined) return this.#document
    throw new EsteiraError('ESTEIRA_INTERNAL', 'the feature transformer is not fitted yet; call fit first')
  }
}

function checkSignature(columns: readonly ColumnTransform[], frame: Frame): void {
  const faults = columns.flatMap(({ name, kind }) => {
    const column: Column | undefined = frame.columns.get(name)
    if (column === undefined) return [`column "${name}" is missing`]
    if (ACCEPTED[kind].includes(column.type)) return []
    return [`column "${name}" is ${column.type}, expected ${ACCEPTED[kind].join(' or ')}`]
  })
  if (faults.length === 0) return
  const shown = faults.slice(0, 5).join('; ') + (faults.length > 5 ? `; and ${faults.length - 5} more` : '')
  throw new EsteiraError('ESTEIRA_SIGNATURE', `the rows do not fit the model: ${shown}`, {
    hint: 'Give the rows the columns the model was trained on, or take the model version that belongs to these features.',
    details: { faults, found: [...frame.columns.keys()] },
  })
}

function noColumnLeft(dropped: readonly DroppedColumn[]): EsteiraError {
  const reasons = dropped.slice(0, 5).map(({ name, reason }) => `${name}: ${reason}`)
  return new EsteiraError(
    'ESTEIRA_FEATURES_REFUSED',
    `no feature column is left (${reasons.join('; ') || 'none given'})`,
    {
      hint: 'Check the feature columns and the dates: at least one column must vary.',
      details: { dropped },
    },
  )
}
