import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ALLOWED_FUNCTIONS } from '../../packages/lakehouse/src/sql-text/allowed-functions.js'
import { athenaSelectToDuckDb, checkAthenaSelect } from '../../packages/lakehouse/src/sql-text/athena-select.js'
import { CAST_TARGETS } from '../../packages/lakehouse/src/sql-text/render-cast.js'

async function tablesOf(sql: string): Promise<string[]> {
  return (await checkAthenaSelect(sql)).map((table) => table.name)
}

describe('the tables of a query', () => {
  it('are put in place of their names, with the alias or the name they had', async () => {
    const sql = await athenaSelectToDuckDb({
      sql: 'select t.a, B.c from Silver.Orders t join silver.items B on t.id = B.id join silver.items on true',
      resolveTable: async (name) => `read_parquet('${name}')`,
    })
    expect(sql).toContain(`FROM read_parquet('silver.orders') AS "t"`)
    expect(sql).toContain(`JOIN read_parquet('silver.items') AS "B"`)
    expect(sql).toContain(`JOIN read_parquet('silver.items') AS "items"`)
  })

  it('are resolved once for each table and version, at every call', async () => {
    const asked: string[] = []
    const query = {
      sql: 'select 1 from a.t, a.t as u, a.t for version as of 8954597067493422955 as v',
      resolveTable: async (name: string, version?: { readonly snapshotId?: string }) => {
        asked.push(`${name}@${version?.snapshotId ?? ''}`)
        return 'x'
      },
    }
    await athenaSelectToDuckDb(query)
    expect(asked).toEqual(['a.t@', 'a.t@8954597067493422955'])
    await athenaSelectToDuckDb(query)
    expect(asked).toHaveLength(4)
  })

  it('are not names of WITH, wherever those are seen', async () => {
    expect(await tablesOf('with a as (select 1 x from a) select * from a, b')).toEqual(['a', 'b'])
    expect(await tablesOf('with a as (select 1), B as (select * from A) select * from b')).toEqual([])
    expect(await tablesOf('with a as (select 1) select * from s.a')).toEqual(['s.a'])
    expect(await tablesOf('with a as (with b as (select 1) select * from b) select * from b')).toEqual(['b'])
    expect(await tablesOf('with a as (select 1) select 1 union select * from a')).toEqual([])
    expect(await tablesOf('with a as (select 1) select * from t where x in (select x from a)')).toEqual(['t'])
    expect(await tablesOf('with a as (select 1) select (select x from a), y from (select * from a) as z')).toEqual([])
  })

  it('carry the version they are asked at', async () => {
    const at = (clause: string) => checkAthenaSelect(`select * from d.t ${clause}`).then(([table]) => table?.version)
    expect(await at('')).toBeUndefined()
    expect(await at('for version as of 12')).toEqual({ snapshotId: '12' })
    const noon = { asOf: new Date('2026-01-01T12:00:00Z') }
    expect(await at("for timestamp as of timestamp '2026-01-01 12:00:00 UTC' as x")).toEqual(noon)
    expect(await at("for timestamp as of timestamp '2026-01-01 12:00'")).toEqual(noon)
    expect(await at("for timestamp as of timestamp '2026-01-01 09:00:00 -03:00'")).toEqual(noon)
    expect(await at("for version as of 'january'")).toEqual({ ref: 'january' })
    for (const clause of [
      "for version as of ''",
      'for timestamp as of 5',
      "for timestamp as of timestamp '2026-02-30 25:00:00'",
      "for timestamp as of timestamp '2026-01-01 00:00:00 America/Sao_Paulo'",
    ]) {
      await expect(at(clause)).rejects.toMatchObject({ code: 'ESTEIRA_SQL' })
    }
  })

  it('may be metadata tables and stand in the catalog of Athena', async () => {
    expect(await tablesOf('select * from "Silver"."orders$snapshots"')).toEqual(['silver.orders$snapshots'])
    expect(await tablesOf('select * from AwsDataCatalog.silver.orders')).toEqual(['silver.orders'])
    await expect(tablesOf('select * from other.silver.orders')).rejects.toMatchObject({ code: 'ESTEIRA_SQL' })
  })

  it('cannot break out of their text', async () => {
    const sql = await athenaSelectToDuckDb({
      sql: `select 'it''s $& \\0' as "a""b" from t as "x""y" -- t`,
      resolveTable: async () => "read_parquet('$&$1')",
    })
    expect(sql).toBe(`SELECT 'it''s $& \\0' AS "a""b" FROM read_parquet('$&$1') AS "x""y"`)
  })
})

describe('a query outside the subset', () => {
  it.each([
    ['select 1; select 2', 'one statement'],
    ['', 'statement'],
    ['select 1; drop table t', 'one statement'],
    ['insert into t select 1', 'a SELECT was expected'],
    ['delete from t', 'a SELECT was expected'],
    ['create table t as select 1', 'a SELECT was expected'],
    ['drop table t', 'a SELECT was expected'],
    ['values (1)', 'a SELECT was expected'],
    ['select from where', 'not valid SQL'],
    ['select 1 / 3.0', 'quotient of decimals'],
    ["select d + interval '7' day from t", 'evident'],
    ["select date_add('day', 1, d) from t", 'evident'],
    ["select date_diff('fortnight', a, b) from t", 'fortnight|unit'],
    ["select date_format(d, '%W') from t", '%W'],
    ["select date '2024-01-01' - date '2023-01-01'", 'difference of dates'],
    ['select current_date', 'current_date'],
    ['select now()', 'now'],
    ['select max_by(a, b) from t', 'max_by'],
    ['select lag(a) ignore nulls over (order by b) from t', 'ignore nulls'],
    ['select * except (a) from t', 'except'],
    ['select distinct on (a) a from t', 'distinct on'],
    ['select a into b from t', 'into'],
    ['select * from t tablesample bernoulli (10)', 'table sample'],
    ['select * from t natural join u', 'Natural'],
    ['select * from t, lateral (select 1)', 'lateral'],
    ['select * from unnest(array[1]) as u (x)', 'in FROM'],
    ['with recursive a as (select 1) select * from a', 'recursive'],
    ['select 1 union select 2 intersect select 2', 'parentheses'],
    ['select * from (values (1))', 'VALUES'],
    ['select cast(a as varchar(3)) from t', 'varchar'],
    ['select cast(a as timestamp with time zone) from t', 'timezone'],
    ['select a from t limit x', 'LIMIT'],
    ['select rank() from t', 'OVER'],
    ['select lower(a) over () from t', 'window'],
    ['select lower(distinct a) from t', 'DISTINCT'],
    ['select count() from t', 'arguments'],
    ['select round(1, 2, 3)', 'arguments'],
    ["select replace(a, '', 'x') from t", 'replace'],
    ["select trim(both 'x' from a) from t", 'trim'],
    ['select sum(a order by b) from t', 'order by'],
    ['select array[1]', 'array'],
    ['select a[1] from t', 'subscript'],
    ['select a.b.c from t', 'dot'],
    ['select ? from t', 'placeholder'],
    ["select constructor('a')", 'constructor'],
    ["select read_csv('/etc/passwd')", 'read_csv'],
    ["select * from read_csv('/etc/passwd')", 'in FROM'],
    ["select getenv('HOME')", 'getenv'],
    ['from t', 'FROM stands without a SELECT'],
    ['from t select a', 'FROM stands without a SELECT'],
    ['with a as (select 1 x) from a', 'FROM stands without a SELECT'],
    ['select * from (from t) as u', 'FROM stands without a SELECT'],
    ['select a from t union all from u', 'FROM stands without a SELECT'],
    ['select 2 ** 3', 'no operator in Athena'],
    ['select a == b from t', 'no operator in Athena'],
    ['select a::integer from t', 'no operator in Athena'],
    ['select `a` from t', 'quoted'],
    ["select 'a' 'b'", 'side by side'],
    ["select 'a' -- why\n 'b'", 'side by side'],
    ['select 0x1F', 'is no number'],
    ['select 10a from t', 'is no number'],
    ['select a from t limit 10%', 'percentage'],
    ['select a from t limit 10 percent', 'percentage'],
    ['select a, count(*) as n from t group by a having n > 1', 'HAVING cannot use "n"'],
    ['select a, lower(b) as c, count(*) from t group by a, b having (a > 1) and C = 2', 'HAVING cannot use "c"'],
  ])('is refused: %s', async (sql, message) => {
    const refusal = expect(checkAthenaSelect(sql)).rejects
    await refusal.toMatchObject({ code: 'ESTEIRA_SQL', message: expect.stringMatching(new RegExp(message, 'i')) })
  })

  it.each([
    "select extract(year from d), trim(a) from t where a is not distinct from b and 'it''s' <> '--'",
    'select a as b, b as c, max(b) from t group by a, b having b > 1 and max(c) > 2',
    'select a as n from t where a in (select n from u group by n having n > 1)',
    'select 1.5e3, .5, 2 as x -- == ** \n from t /* from u */',
    'select "a==b" from "from"',
  ])('is not: %s', async (sql) => {
    await expect(checkAthenaSelect(sql)).resolves.toBeDefined()
  })

  it('names the function and the nearest allowed one', async () => {
    await expect(checkAthenaSelect('select strt(1)')).rejects.toMatchObject({
      message: '"strt" is not in the SQL subset',
      hint: expect.stringMatching(/nearest function is sqrt\. .*docs\/sql-subset\.md/),
    })
  })

  it('is refused when it would grow beyond reason', async () => {
    const nested = Array.from({ length: 12 }).reduce<string>((inner) => `(${inner} / y)`, 'x')
    await expect(checkAthenaSelect(`select ${nested} from t`)).rejects.toMatchObject({ code: 'ESTEIRA_SQL' })
  })
})

describe('docs/sql-subset.md', () => {
  const text = readFileSync(new URL('../../docs/sql-subset.md', import.meta.url), 'utf8')
  const section = (title: string) => text.split(/^## /m).find((part) => part.startsWith(title)) ?? ''
  const names = (part: string) => Array.from(part.matchAll(/`([^`]+)`/g), ([, name]) => name ?? '')

  it('lists exactly the functions that are allowed', () => {
    const rows = section('Functions\n')
      .split('\n')
      .filter((line) => line.startsWith('| '))
    const listed = rows.flatMap(names)
    expect(listed.sort()).toEqual(Object.keys(ALLOWED_FUNCTIONS).sort())
  })

  it('lists exactly the types that can be cast to', () => {
    expect(names(section('Types of CAST'))).toEqual([...CAST_TARGETS])
  })
})
