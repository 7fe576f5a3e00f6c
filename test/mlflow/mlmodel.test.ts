import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasMlmodel, type MlmodelSpec, readMlmodel, writeMlmodel } from '@esteira/mlflow'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-mlmodel-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const spec: MlmodelSpec = {
  flavors: {
    python_function: { loader_module: 'esteira_pyfunc', code: 'code', data: '.', python_version: '3.10' },
    xgboost: { data: 'model.ubj', model_class: 'xgboost.core.Booster', model_format: 'ubj', xgb_version: '3.2.0' },
  },
  signature: {
    inputs: [
      { name: 'no', type: 'double', required: true },
      { name: 'preferred: "category"', type: 'string', required: false },
    ],
    outputs: [{ name: 'probability', type: 'double' }],
  },
  modelId: 'm-1',
  runId: '1e5',
  createdAt: new Date('2026-01-02T03:04:05.678Z'),
  metadata: { target: 'churned', positive: 'yes', threshold: 0.5 },
  environment: { requirements: ['mlflow', 'xgboost==3.2.0'], pythonVersion: '3.10' },
  inputExample: {
    columns: ['no', 'preferred: "category"'],
    rows: [
      [1.5, 'suv'],
      [null, null],
    ],
  },
}

const read = (name: string) => readFile(join(folder, name), 'utf8')

describe('MLmodel', () => {
  it('reads back what it wrote', async () => {
    await writeMlmodel(folder, spec)
    const { environment: _, inputExample: __, ...expected } = spec
    expect(await readMlmodel(folder)).toEqual({
      ...expected,
      flavors: {
        xgboost: spec.flavors['xgboost'],
        python_function: {
          ...spec.flavors['python_function'],
          env: { conda: 'conda.yaml', virtualenv: 'python_env.yaml' },
        },
      },
      signature: { ...spec.signature, outputs: [{ name: 'probability', type: 'double', required: true }] },
    })
  })

  it('is the same bytes for the same content', async () => {
    await writeMlmodel(folder, spec)
    const first = await read('MLmodel')
    const { flavors, ...others } = spec
    await writeMlmodel(folder, { ...others, flavors: Object.fromEntries(Object.entries(flavors).reverse()) })
    expect(await read('MLmodel')).toBe(first)
  })

  it('writes the environment and the example beside it', async () => {
    await writeMlmodel(folder, spec)
    expect(await read('requirements.txt')).toBe('mlflow\nxgboost==3.2.0\n')
    expect(await read('python_env.yaml')).toContain('python: "3.10"')
    expect(await read('conda.yaml')).toContain('python=3.10')
    const example = {
      columns: ['no', 'preferred: "category"'],
      data: [
        [1.5, 'suv'],
        [null, null],
      ],
    }
    expect(JSON.parse(await read('input_example.json'))).toEqual(example)
    expect(JSON.parse(await read('serving_input_example.json'))).toEqual({ dataframe_split: example })
  })

  it('reads the least that MLflow takes, and what Python leaves empty', async () => {
    await writeFile(join(folder, 'MLmodel'), 'flavors:\n  xgboost: {data: model.ubj, code: null}\nsignature: null\n')
    expect(await readMlmodel(folder)).toEqual({ flavors: { xgboost: { data: 'model.ubj', code: null } } })
  })

  it('reads a time without quotes', async () => {
    await writeFile(join(folder, 'MLmodel'), 'flavors: {}\nutc_time_created: 2026-01-02 03:04:05.678901\n')
    expect((await readMlmodel(folder)).createdAt).toEqual(new Date('2026-01-02T03:04:05.678Z'))
  })

  it.each([
    ['no YAML', '{flavors: [', ''],
    ['no flavors', 'run_id: a', 'flavors'],
    ['a broken signature', 'flavors: {}\nsignature: {inputs: "[{]"}', ''],
    ['a signature without types', `flavors: {}\nsignature: {inputs: '[{"name": "a"}]'}`, 'type'],
    ['text', 'hello', 'expected object'],
  ])('that holds %s is corrupt', async (_, text, named) => {
    await writeFile(join(folder, 'MLmodel'), text)
    await expect(readMlmodel(folder)).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_CORRUPT',
      message: expect.stringContaining(named),
    })
  })

  it('that is not there is missing', async () => {
    expect(await hasMlmodel(folder)).toBe(false)
    await expect(readMlmodel(folder)).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_MISSING',
      message: expect.stringContaining(folder),
    })
  })
})
