import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import validator from 'asl-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira, root } from '../services/esteira-command.js'
import { expectCommandRefused } from '../services/refusal.js'
import { generateBookings, RUN_DATE, tempHome } from '../services/temp-home.js'

const place = tempHome()
const churn = ['--project', 'projects/churn', '--run-date', RUN_DATE]
const command = (...args: string[]) => esteira(args, place)

async function json<T>(...args: string[]): Promise<T> {
  const ended = await command(...args, '--json')
  expect(ended.code, ended.stderr).toBe(0)
  return documentOf<T>(ended)
}

async function text(...args: string[]): Promise<string> {
  const ended = await command(...args)
  expect(ended.code, ended.stderr).toBe(0)
  expect(ended.stdout).not.toContain('\u001b[')
  return ended.stdout
}

let bookings = ''

beforeAll(async () => {
  bookings = await generateBookings(place, 8000)
  const run = await command('run', 'training', ...churn, '--source', bookings)
  expect(run.code, run.stdout + run.stderr).toBe(0)
  const train = await command('train', ...churn, '--model-type', 'logistic_regression', '--register', '--json')
  expect(train.code, train.stderr).toBe(0)
  expect(documentOf(train)).toMatchObject({ model: { name: 'churn', type: 'logistic_regression', version: 2 } })
})

afterAll(() => place.remove())

describe('esteira', () => {
  it('tells its version and its commands', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'packages/esteira/package.json'), 'utf8')) as {
      version: string
    }
    expect((await text('--version')).trim()).toBe(version)
    const help = await text('--help')
    for (const name of ['demo', 'run', 'train', 'sql', 'tables', 'models', 'generate', 'synth', 'init', 'doctor'])
      expect(help).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
  })

  it('has every command that docs/errors.md tells people to type', async () => {
    const named = readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(
      /npx esteira (tables|models) (\w+)|npx esteira (\w+)/g,
    )
    const helps = {
      esteira: await text('--help'),
      tables: await text('tables', '--help'),
      models: await text('models', '--help'),
    }
    const missing = [...named].filter(([, group, sub, single]) =>
      group === 'tables' || group === 'models'
        ? !new RegExp(`^ {2}${sub}\\b`, 'm').test(helps[group])
        : !new RegExp(`^ {2}${single}\\b`, 'm').test(helps.esteira),
    )
    expect(missing.map(([found]) => found)).toEqual([])
  })
})

describe('sql', () => {
  const COUNTS =
    'SELECT feature_date, count(*) AS customers FROM feature_store.customer_features GROUP BY 1 ORDER BY 1 LIMIT 2'

  it('gives columns with types and rows as one JSON document', async () => {
    const { columns, rows, ...rest } = await json<{ columns: unknown; rows: [string, unknown][] }>('sql', COUNTS)
    expect(rest).toEqual({})
    expect(columns).toEqual([
      { name: 'feature_date', type: 'date' },
      { name: 'customers', type: 'long' },
    ])
    expect(rows.map(([day]) => day)).toEqual(['2024-11-01', '2024-12-01'])
  })

  it('shows aligned columns to a person', async () => {
    const lines = (await text('sql', COUNTS)).trimEnd().split('\n')
    expect(lines[0]).toMatch(/^feature_date +customers$/)
    expect(lines[1]).toMatch(/^2024-11-01 +\d+$/)
    expect(lines.at(-1)).toBe('2 rows')
    expect(new Set(lines.slice(0, 3).map((line) => line.length)).size).toBe(1)
  })

  it('refuses what is no single SELECT', async () => {
    expectCommandRefused(await command('sql', 'DROP TABLE silver.churn_transactions'), {
      exit: 64,
      code: 'ESTEIRA_SQL',
      says: ['SELECT'],
    })
    expectCommandRefused(await command('sql', 'SELECT 1; SELECT 2'), { exit: 64, code: 'ESTEIRA_SQL', says: [] })
  })
})

describe('tables', () => {
  it('lists what there is', async () => {
    const tables = await json<{ name: string; rowCount: number }[]>('tables', 'list')
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'bronze.churn_transactions',
        'feature_store.customer_features',
        'silver.churn_transactions',
      ]),
    )
    const listed = await text('tables', 'list')
    expect(listed).toMatch(/^bronze\.churn_transactions +8,000 +\d+ +[\d.]+ MB$/m)
  })

  it('shows a table with its columns and partitions', async () => {
    const shown = await text('tables', 'show', 'feature_store.customer_features')
    expect(shown).toContain('partitioned by month(feature_date)')
    expect(shown).toMatch(/^customer_id +string +required/m)
    const state = await json<{ name: string; columns: { name: string }[] }>(
      'tables',
      'show',
      'feature_store.customer_features',
    )
    expect(state.columns.map(({ name }) => name)).toContain('_feature_version')
  })

  it('lists snapshots, and reads the table as it was', async () => {
    const [snapshot, ...older] = await json<{ snapshotId: string; operation: string }[]>(
      'tables',
      'snapshots',
      'feature_store.customer_features',
    )
    expect(older).toEqual([])
    const { rows } = await json<{ rows: [unknown][] }>(
      'sql',
      `SELECT count(*) FROM feature_store.customer_features FOR VERSION AS OF ${snapshot?.snapshotId}`,
    )
    expect(Number(rows[0]?.[0])).toBeGreaterThan(1000)
  })
})

describe('models', () => {
  it('lists the versions, promotes one and rolls back', async () => {
    const live = async () =>
      (await json<{ version: number; aliases: string[] }[]>('models', 'list')).flatMap(({ version, aliases }) =>
        aliases.includes('production') ? [version] : [],
      )
    const first = await json<{ changed: boolean }>('models', 'promote', 'churn', '1')
    expect(await live()).toEqual([1])
    expect(await json('models', 'promote', 'churn', '2')).toMatchObject({ version: 2, from: 1, changed: true })
    expect(await live()).toEqual([2])
    expect(await text('models', 'promote', 'churn', '2')).toContain('already; nothing changed')
    expect(await text('models', 'rollback', 'churn')).toContain('churn v1 is production again (was: v2)')
    expect(await live()).toEqual([1])
    const history = await json<{ promotions: { version: number }[]; versions: unknown[] }>('models', 'history', 'churn')
    expect(history.versions).toHaveLength(2)
    expect(history.promotions[0]).toMatchObject({ version: 1 })
    expect(typeof first.changed).toBe('boolean')
  })

  it('keeps staging apart from production', async () => {
    const dev = await esteira(['models', 'promote', 'churn', '2'], { env: { ...place.env, ENV: 'dev' } })
    expect(dev.stdout).toContain('churn v2 is staging')
    expect(await text('models', 'list')).toMatch(/^churn +1 +Production +production/m)
  })

  it('refuse a name that is not there', async () => {
    expectCommandRefused(await command('models', 'history', 'chrun'), {
      exit: 64,
      code: 'ESTEIRA_MODEL_MISSING',
      says: ['chrun', 'models list'],
    })
  })
})

describe('synth', () => {
  it('writes a state machine of each workflow that Step Functions accepts', async () => {
    const out = join(place.folder, 'synth')
    const files = (await text('synth', '--project', 'projects/churn', '--out', out)).trim().split('\n')
    expect(files).toEqual([join(out, 'training.asl.json'), join(out, 'inference.asl.json')])
    for (const file of files) {
      const document = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
      const { isValid, errorsText } = validator(document)
      expect(isValid, errorsText('\n')).toBe(true)
    }
  })
})

describe('generate', () => {
  it('gives the same bytes for the same seed and others for another', async () => {
    const file = async (folder: string, seed: string) => {
      const out = join(place.folder, folder)
      await text(
        'generate',
        '--project',
        'projects/churn',
        '--rows',
        '3000',
        '--seed',
        seed,
        '--until',
        RUN_DATE,
        '--out',
        out,
      )
      return readFileSync(join(out, 'bookings.csv'), 'utf8')
    }
    const [one, same, other] = await Promise.all([file('one', '1'), file('same', '1'), file('other', '2')])
    expect(one.split('\n')).toHaveLength(3002)
    expect(same).toBe(one)
    expect(other).not.toBe(one)
  })

  it('refuses a project without a generator and rows that are no number', async () => {
    const out = ['--out', join(place.folder, 'none')]
    expectCommandRefused(await command('generate', '--project', 'projects/cdnow', '--rows', '10', ...out), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['projects/cdnow declares no generator', '--source FILE'],
    })
    expectCommandRefused(await command('generate', '--project', 'projects/churn', '--rows', 'many', ...out), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ["'many'", 'whole number'],
    })
    expectCommandRefused(await command('generate', '--project', 'projects/churn', '--rows', '0', ...out), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['--rows: expected a whole number from 1, found 0'],
    })
  })
})

describe('doctor', () => {
  it('finds nothing missing on a machine that is set up, with what it found', async () => {
    expect(await text('doctor')).toMatch(/^✓ Node +\d+\.\d+/m)
    const { ok, findings } = await json<{ ok: boolean; findings: { name: string; ok: boolean; found: string }[] }>(
      'doctor',
    )
    expect(ok).toBe(true)
    expect(findings.map(({ name }) => name)).toEqual(['Node', 'Python', 'libxgboost', 'home', 'lakehouse', 'MLflow'])
    expect(findings.every(({ found }) => found !== '')).toBe(true)
  })

  it('names what is missing with the command that mends it, and ends with 64', async () => {
    const env = { ...place.env, ESTEIRA_XGBOOST_LIB: join(place.folder, 'nothing.so') }
    const ended = await esteira(['doctor', '--json'], { env })
    expect(ended.code).toBe(64)
    const { findings } = documentOf<{ findings: { name: string; ok: boolean; mend?: string }[] }>(ended)
    expect(findings.filter(({ ok }) => !ok)).toMatchObject([{ name: 'libxgboost', mend: 'npm run setup' }])
  })
})
