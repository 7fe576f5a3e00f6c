import { hyperparameterNames, MODEL_TYPES, parseHyperparameters } from '@esteira/models'
import { describe, expect, it } from 'vitest'

describe('parseHyperparameters', () => {
  it('fills in the defaults of the library', () => {
    expect(parseHyperparameters('xgboost')).toMatchObject({
      n_estimators: 100,
      max_depth: 6,
      learning_rate: 0.3,
      reg_lambda: 1,
    })
    expect(parseHyperparameters('random_forest', {})).toMatchObject({
      subsample: 0.8,
      colsample_bynode: 0.8,
      reg_lambda: 1e-5,
    })
    expect(parseHyperparameters('logistic_regression', {})).toMatchObject({ C: 1, fit_intercept: true })
  })

  it('keeps what was given', () => {
    expect(parseHyperparameters('xgboost', { max_depth: 3, base_score: 0.4 })).toMatchObject({
      max_depth: 3,
      base_score: 0.4,
    })
  })

  it('names the nearest key for a misspelt one, and tells all faults at once', () => {
    expect(() => parseHyperparameters('xgboost', { max_dept: 3, subsample: 7, n_estimators: 'many' })).toThrow(
      expect.objectContaining({
        code: 'ESTEIRA_HYPERPARAMETER',
        message: expect.stringMatching(
          /(?=.*max_dept does not exist, did you mean max_depth\?)(?=.*subsample: .*<=1, found "7")(?=.*n_estimators: .*number.*found "many")/,
        ),
        hint: expect.stringContaining('early_stopping_rounds'),
      }),
    )
  })

  it('names the place inside a list', () => {
    expect(() => parseHyperparameters('neural_network', { hidden_units: [8, 0] })).toThrow(
      /hidden_units\.1: .*found "0"/,
    )
  })

  it.each([3, 'max_depth=3', null, [1]])('refuses %j in place of an object', (value) => {
    expect(() => parseHyperparameters('xgboost', value)).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_HYPERPARAMETER' }),
    )
  })

  it.each(MODEL_TYPES)('names the hyperparameters of %s', (modelType) => {
    expect(hyperparameterNames(modelType)).toEqual(expect.arrayContaining(Object.keys(parseHyperparameters(modelType))))
  })
})
