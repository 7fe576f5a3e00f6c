import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira, runStepFile } from '../services/esteira-command.js'
import { expectCommandRefused, expectStepRefused } from '../services/refusal.js'
import { churnCopy, generateBookings, RUN_DATE, tableFiles, tempHome } from '../services/temp-home.js'

const place = tempHome()
const project = ['--project', 'projects/churn']
const dated = [...project, '--run-date', RUN_DATE]
let bookings = ''
let filesBefore: readonly string[] = []

/** What a file of the test's own folder holds. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(place.folder, name)
  writeFileSync(path, content)
  return path
}

const ingest = (source: string, folder = 'projects/churn') =>
  runStepFile('ingest_raw', ['--project', folder, '--run-date', RUN_DATE, '--source', source], place)

beforeAll(async () => {
  bookings = await generateBookings(place, 8000)
  for (const step of ['ingest_raw', 'process_silver']) {
    const { code, stderr } = await runStepFile(step, [...dated, '--source', bookings], place)
    expect(code, stderr).toBe(0)
  }
  filesBefore = tableFiles(place)
  expect(filesBefore.length).toBeGreaterThan(10)
})

afterAll(async () => {
  // After every refusal of this file, together: no table has changed and nothing half written is left.
  const filesAfter = tableFiles(place)
  await place.remove()
  expect(filesAfter).toEqual(filesBefore)
})

describe.concurrent('a source', () => {
  it('that is missing is named with its path and the way to give another', async () => {
    const path = join(place.folder, 'nowhere.csv')
    expectStepRefused(await ingest(path), {
      exit: 64,
      code: 'ESTEIRA_SOURCE_MISSING',
      says: ['sources.transactions', path, '--source', 'ESTEIRA_SOURCE', 'npx esteira generate'],
    })
  })

  it('that is a folder is refused', async () => {
    expectStepRefused(await ingest(place.folder), {
      exit: 64,
      code: 'ESTEIRA_SOURCE_MISSING',
      says: ['expected a file', place.folder, 'found a folder'],
    })
  })

  it('that is empty is refused', async () => {
    const path = file('empty.csv', '')
    expectStepRefused(await ingest(path), { exit: 65, code: 'ESTEIRA_SOURCE_EMPTY', says: [path, '0 bytes', 'export'] })
  })

  it('that has a header only is refused', async () => {
    const header = readFileSync(bookings, 'utf8').split('\n', 1)[0] ?? ''
    const path = file('header.csv', `${header}\n`)
    expectStepRefused(await ingest(path), {
      exit: 65,
      code: 'ESTEIRA_SOURCE_EMPTY',
      says: ['header.csv', 'no rows', 'Nothing was written'],
    })
  })

  it('that lacks a declared column is refused with the nearest name', async () => {
    const path = file('renamed.csv', readFileSync(bookings, 'utf8').replace('amount', 'amonut'))
    expectStepRefused(await ingest(path), {
      exit: 65,
      code: 'ESTEIRA_SOURCE_FORMAT',
      says: ['renamed.csv', 'no column "amount"', 'Did you mean "amonut"?'],
    })
  })

  it('with values of another type is refused with file, line, column, expectation and value', async () => {
    const lines = readFileSync(bookings, 'utf8').split('\n')
    for (const number of [1204, 1388, 2010, 7777]) {
      lines[number - 1] = (lines[number - 1] ?? '').replace(/,(-?\d+)\.(\d+),/, ',"$1,$2",')
    }
    const path = file('commas.csv', lines.join('\n'))
    const value = /"(\d+,\d+)"/.exec(lines[1203] ?? '')?.[1] ?? 'no number in that line'
    expectStepRefused(await ingest(path), {
      exit: 65,
      code: 'ESTEIRA_SOURCE_TYPE',
      says: [
        `sources.transactions: column "amount" of commas.csv, line 1,204: expected decimal(18,4), found "${value}"`,
        '3 more like this (lines 1,388, 2,010, 7,777)',
        'Nothing was written',
        'decimal commas',
      ],
    })
  })

  it('that is a corrupt Parquet file is refused', async () => {
    const copy = churnCopy(place, 'parquet', { 'project.ts': (text) => text.replace("'csv'", "'parquet'") })
    const path = file('corrupt.parquet', `PAR1${'x'.repeat(5000)}PAR1`)
    expectStepRefused(await ingest(path, copy), {
      exit: 65,
      code: 'ESTEIRA_SOURCE_FORMAT',
      says: ['corrupt.parquet', 'cannot be read as parquet', 'Nothing was written'],
    })
  })

  it('that is binary where text is declared is refused without showing the bytes', async () => {
    const path = file(
      'binary.csv',
      Uint8Array.from({ length: 4096 }, (_, index) => (index * 37) % 256),
    )
    expectStepRefused(await ingest(path), {
      exit: 65,
      code: 'ESTEIRA_SOURCE_FORMAT',
      says: ['binary.csv is binary', 'expected csv text', 'format'],
    })
  })
})

describe.concurrent('a configuration', () => {
  const faulty = () =>
    churnCopy(place, `faults-${Math.floor(performance.now() * 1000)}`, {
      'config.yaml': (text) =>
        text
          .replace('tech_owner: ml-platform', 'tech_ownr: ml-platform')
          .replace('cron: "0 2 * * *"', 'cron: "0 25 * * *"')
          .replace('ec2_type: t3.xlarge', 'ec2_type: 7'),
    })

  function lineOf(folder: string, key: string): number {
    const lines = readFileSync(join(folder, 'config.yaml'), 'utf8').split('\n')
    return lines.findIndex((line) => line.includes(key)) + 1
  }

  it('with several faults is refused with all of them: line, path, value, expectation, nearest key', async () => {
    const copy = faulty()
    expectCommandRefused(await esteira(['run', 'training', '--project', copy], place), {
      exit: 64,
      code: 'ESTEIRA_CONFIG',
      says: [
        'config.yaml has 3 faults',
        `${copy}/config.yaml:6 owners.tech_ownr: unknown key, did you mean tech_owner?`,
        `${copy}/config.yaml:25 batch.pipelines.training.schedule.cron: expected a cron expression`,
        'found "0 25 * * *"',
        `${copy}/config.yaml:${lineOf(copy, 'ec2_type')} infra.compute.ec2_type: expected an EC2 instance type`,
        'nothing was started',
      ],
    })
  })

  it('is refused by a step as JSON, with the faults as data', async () => {
    const ended = await runStepFile('train_model', ['--project', faulty()], place)
    expectStepRefused(ended, {
      exit: 64,
      code: 'ESTEIRA_CONFIG',
      says: ['"line":6', '"path":"owners.tech_ownr"', '"line":25', '"found":"7"'],
    })
  })

  it('that is not there is refused with the command that makes a project', async () => {
    expectCommandRefused(await esteira(['run', 'training', '--project', 'projects/nothing'], place), {
      exit: 64,
      code: 'ESTEIRA_CONFIG',
      says: ['projects/nothing/config.yaml does not exist', 'npx esteira init'],
    })
  })
})

describe.concurrent('a project', () => {
  it('with a model type that does not exist is refused before anything is read', async () => {
    const copy = churnCopy(place, 'model-type', {
      'project.ts': (text) =>
        text
          .replace('model.xgboost({', "({ type: 'xgbost', hyperparameters: {")
          .replace('0.8 }),\n  gates', '0.8 } }),\n  gates'),
    })
    expectStepRefused(await ingest(bookings, copy), {
      exit: 64,
      code: 'ESTEIRA_MODEL_TYPE',
      says: [`${copy}/project.ts`, '"xgbost"', 'Did you mean xgboost?'],
    })
  })

  it('with a hyperparameter that does not exist is refused before anything is read', async () => {
    const copy = churnCopy(place, 'hyperparameter', {
      'project.ts': (text) => text.replace('max_depth: 4', 'max_dept: 4'),
    })
    expectStepRefused(await ingest(bookings, copy), {
      exit: 64,
      code: 'ESTEIRA_HYPERPARAMETER',
      says: [`${copy}/project.ts`, 'max_dept does not exist', 'did you mean max_depth?'],
    })
  })

  it('that is no TypeScript is refused with file and line', async () => {
    const copy = churnCopy(place, 'syntax', {
      'project.ts': (text) => text.replace("entity('customer_id')", "entity('customer_id'"),
    })
    expectStepRefused(await ingest(bookings, copy), {
      exit: 64,
      code: 'ESTEIRA_PROJECT',
      says: [`${copy}/project.ts, line 28`, 'Expected ")"'],
    })
  })
})

describe.concurrent('a training', () => {
  const train = (...flags: string[]) =>
    esteira(['train', ...project, '--features-path', bookings, '--target', 'payment_method', ...flags], place)

  it('refuses a model type that does not exist', async () => {
    expectCommandRefused(await train('--positive', 'pix', '--model-type', 'xgbost'), {
      exit: 64,
      code: 'ESTEIRA_MODEL_TYPE',
      says: ['model type "xgbost" does not exist', 'Did you mean xgboost?', 'logistic_regression'],
    })
  })

  it('refuses a hyperparameter that does not exist or is out of range', async () => {
    expectCommandRefused(await train('--positive', 'pix', '--hyperparams', '{"max_dept": 3, "learning_rate": -1}'), {
      exit: 64,
      code: 'ESTEIRA_HYPERPARAMETER',
      says: ['max_dept does not exist, did you mean max_depth?', 'learning_rate', '-1'],
    })
  })

  it('refuses hyperparameters that are no JSON', async () => {
    expectCommandRefused(await train('--hyperparams', '{max_depth: 3'), {
      exit: 64,
      code: 'ESTEIRA_HYPERPARAMETER',
      says: ['expected a JSON object', '{max_depth: 3', 'For example'],
    })
  })

  it('refuses a target with one class', async () => {
    expectCommandRefused(await train('--positive', 'cheque'), {
      exit: 65,
      code: 'ESTEIRA_TARGET',
      says: ['target "payment_method" has one class', 'no row is positive (cheque)', '--positive VALUE'],
    })
  })

  it('refuses a target that is no column, with the nearest one', async () => {
    expectCommandRefused(await train('--target', 'paymnt_method'), {
      exit: 64,
      code: 'ESTEIRA_COLUMN_MISSING',
      says: ['no target column "paymnt_method"', 'Did you mean --target payment_method?'],
    })
  })

  it('says in one JSON document why it refuses, when it was asked for JSON', async () => {
    const ended = await train('--model-type', 'xgbost', '--json')
    expect(ended.code).toBe(64)
    expect(documentOf<{ error: { code: string; exitCode: number } }>(ended).error).toMatchObject({
      code: 'ESTEIRA_MODEL_TYPE',
      exitCode: 64,
      details: { modelType: 'xgbost', nearest: 'xgboost' },
    })
  })
})

describe.concurrent('data that is not there', () => {
  it('stops the features of a date before the source begins', async () => {
    const args = [...project, '--run-date', '2020-01-01', '--feature-dates', 'run-date']
    expectStepRefused(await runStepFile('extract_features', args, place), {
      exit: 65,
      code: 'ESTEIRA_NO_DATA',
      says: ['customer_features', 'silver.churn_transactions', '2020-01-01', '--run-date', 'npx esteira sql'],
    })
  })

  it('stops a step whose predecessor has not run', async () => {
    expectStepRefused(await runStepFile('train_model', [...project, '--run-date', '2024-01-01'], place), {
      exit: 64,
      code: 'ESTEIRA_STEP_RESULT_MISSING',
      says: ['prepare_training_data', 'churn-manual-20240101', 'node steps/prepare_training_data.js'],
    })
  })

  it('stops a scoring without a live model', async () => {
    expectStepRefused(await runStepFile('score_model', dated, place), {
      exit: 64,
      code: 'ESTEIRA_MODEL_MISSING',
      says: ['model churn', 'npx esteira run training'],
    })
  })

  it('stops a scoring with a version that is not there', async () => {
    expectStepRefused(await runStepFile('score_model', [...dated, '--model', 'churn/99'], place), {
      exit: 64,
      code: 'ESTEIRA_MODEL_MISSING',
      says: ['churn'],
    })
  })

  it('stops the promotion of a version that is not there', async () => {
    expectCommandRefused(await esteira(['models', 'promote', 'churn', '99'], place), {
      exit: 64,
      code: 'ESTEIRA_MODEL_MISSING',
      says: ['churn has no version 99', 'npx esteira models list'],
    })
  })

  it('stops a query of a table that is not there, with the nearest one', async () => {
    expectCommandRefused(await esteira(['sql', 'SELECT 1 FROM silver.churn_transaction'], place), {
      exit: 64,
      code: 'ESTEIRA_TABLE_MISSING',
      says: ['silver.churn_transaction ', 'Did you mean silver.churn_transactions?'],
    })
  })
})

describe.concurrent('a misspelt', () => {
  it('command is refused with the nearest one', async () => {
    expectCommandRefused(await esteira(['rnu', 'training'], place), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ["unknown command 'rnu'", 'Did you mean run?'],
    })
  })

  it('flag of a command is refused with the nearest one', async () => {
    expectCommandRefused(await esteira(['run', 'training', '--projct', 'projects/churn'], place), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ["unknown option '--projct'", 'Did you mean --project?'],
    })
  })

  it('flag of a step is refused with the nearest one', async () => {
    expectStepRefused(await runStepFile('ingest_raw', ['--projct', 'projects/churn'], place), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ["'--projct'", 'Did you mean --project?'],
    })
  })

  it('workflow is refused with the nearest one', async () => {
    expectCommandRefused(await esteira(['run', 'trainin', ...dated], place), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['churn has no workflow "trainin"', 'Did you mean training?'],
    })
  })

  it('step is refused with those there are', async () => {
    expectCommandRefused(await esteira(['run', 'training', ...dated, '--only', 'ingest'], place), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['no step "ingest"', 'ingest_raw'],
    })
  })

  it.each(['01/02/2026', '2026-02-30', '2026-01-01T06:00:00', 'yesterday'])('run date %s is refused', async (date) => {
    expectCommandRefused(await esteira(['run', 'training', ...project, '--run-date', date], place), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['run date: expected YYYY-MM-DD', `found "${date}"`, '--run-date 2026-01-01'],
    })
  })
})

describe.concurrent('an environment', () => {
  it('that asks for Athena is refused by commands and steps', async () => {
    const athena = { env: { ...place.env, ESTEIRA_ENGINE: 'athena' } }
    const refusal = { exit: 64, code: 'ESTEIRA_UNSUPPORTED', says: ['ESTEIRA_ENGINE=athena', 'duckdb'] } as const
    expectCommandRefused(await esteira(['tables', 'list'], athena), refusal)
    expectStepRefused(await runStepFile('extract_features', dated, athena), refusal)
  })

  it('that names no project is refused', async () => {
    expectStepRefused(await runStepFile('ingest_raw', [], place), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['no project was named', 'ESTEIRA_PROJECT', '--project'],
    })
  })

  it('whose home is a file is refused', async () => {
    const home = file('home-file', 'not a folder')
    const ended = await runStepFile('ingest_raw', [...dated, '--source', bookings], { env: { ESTEIRA_HOME: home } })
    expectStepRefused(ended, { exit: 64, code: 'ESTEIRA_USAGE', says: [home, 'ESTEIRA_HOME'] })
  })
})

it('keeps a home that may only be read as it is, and says so', async () => {
  // An administrator may write anywhere: the step runs as nobody then.
  const isRoot = process.getuid?.() === 0
  const readOnly = join(place.folder, 'read-only')
  cpSync(place.home, readOnly, { recursive: true })
  await import('node:fs/promises').then(({ chmod }) => chmod(readOnly, 0o555))
  const options = { env: { ESTEIRA_HOME: readOnly }, ...(isRoot && { uid: 65534 }) }
  const before = tableFiles({ home: readOnly })
  const ended = await runStepFile('ingest_raw', [...dated, '--run-id', 'read-only', '--source', bookings], options)
  expectStepRefused(ended, { exit: 64, code: 'ESTEIRA_ACCESS_DENIED', says: [readOnly, 'ESTEIRA_HOME'] })
  expect(tableFiles({ home: readOnly })).toEqual(before)
})
