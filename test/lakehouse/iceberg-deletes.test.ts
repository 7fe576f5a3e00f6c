import { statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataFile } from '../../packages/lakehouse/src/iceberg/data-file.js'
import type { HeldFile } from '../../packages/lakehouse/src/iceberg/live-files.js'
import { matchDeletes } from '../../packages/lakehouse/src/iceberg/match-deletes.js'
import { newTableMetadata } from '../../packages/lakehouse/src/iceberg/table-changes.js'
import { currentSchema, type TableMetadata } from '../../packages/lakehouse/src/iceberg/table-metadata.js'
import { selectLiveRows } from '../../packages/lakehouse/src/local/read/read-files.js'
import { localStorage } from '../../packages/lakehouse/src/storage/local-storage.js'
import { openTestEngine, temporaryFolder } from './test-lakehouse.js'

const POSITIONS = 1
const EQUALITY = 2

/** A table of (id, word) with three specs: 0 by identity of word, 1 without partitions, 2 with a void field alone. */
function tableMetadata(): TableMetadata {
  const made = newTableMetadata({
    uuid: '0b1c0a9e-0000-4000-8000-000000000000',
    location: 'file:///nowhere',
    columns: [
      { name: 'id', type: 'long' },
      { name: 'word', type: 'string' },
      { name: 'place', type: 'struct<city: string>' },
    ],
    partitionBy: [{ column: 'word', transform: 'identity' }],
    properties: {},
    nowMs: 0,
  })
  const field = { name: 'word_null', transform: 'void', 'source-id': 2, 'field-id': 1001 }
  return {
    ...made,
    'partition-specs': [...made['partition-specs'], { 'spec-id': 1, fields: [] }, { 'spec-id': 2, fields: [field] }],
  }
}

interface Given extends Partial<DataFile> {
  readonly seq: number
  readonly specId?: number
  readonly part?: string | null
}

function held({ seq, specId = 0, part = 'a', ...file }: Given): HeldFile {
  const values: readonly (readonly [number, string | null])[] =
    specId === 0 ? [[1000, part]] : specId === 2 ? [[1001, null]] : []
  const base = { content: 0, path: 'file:///d', format: 'PARQUET', recordCount: 1, sizeBytes: 1 } as const
  return {
    file: { ...base, partition: new Map(values), ...file },
    specId,
    manifestPath: '',
    sequenceNumber: seq,
  }
}

describe('delete files', () => {
  it('concern data files as the specification says', () => {
    const bounds = (path: string) => new Map([[2147483546, Buffer.from(path)]])
    const cases: readonly (readonly [title: string, concerned: boolean, data: Given, deletes: Given])[] = [
      ['positions of the same commit', true, { seq: 5 }, { seq: 5, content: POSITIONS }],
      ['positions of a later commit', true, { seq: 5 }, { seq: 6, content: POSITIONS }],
      ['positions of an earlier commit', false, { seq: 5 }, { seq: 4, content: POSITIONS }],
      ['positions of another partition', false, { seq: 5 }, { seq: 6, content: POSITIONS, part: 'b' }],
      ['positions of the null partition', true, { seq: 5, part: null }, { seq: 6, content: POSITIONS, part: null }],
      ['null is no text', false, { seq: 5, part: 'null' }, { seq: 6, content: POSITIONS, part: null }],
      ['positions of another spec', false, { seq: 5 }, { seq: 6, content: POSITIONS, specId: 1 }],
      [
        'positions that name the file',
        true,
        { seq: 5 },
        { seq: 6, content: POSITIONS, referencedDataFile: 'file:///d' },
      ],
      [
        'positions that name another',
        false,
        { seq: 5 },
        { seq: 6, content: POSITIONS, referencedDataFile: 'file:///e' },
      ],
      [
        'positions whose bounds name another',
        false,
        { seq: 5 },
        { seq: 6, content: POSITIONS, lowerBounds: bounds('file:///e'), upperBounds: bounds('file:///e') },
      ],
      [
        'positions whose bounds enclose the file',
        true,
        { seq: 5 },
        { seq: 6, content: POSITIONS, lowerBounds: bounds('file:///a'), upperBounds: bounds('file:///e') },
      ],
      ['values of the same commit', false, { seq: 5 }, { seq: 5, content: EQUALITY }],
      ['values of a later commit', true, { seq: 5 }, { seq: 6, content: EQUALITY }],
      ['values of another partition', false, { seq: 5 }, { seq: 6, content: EQUALITY, part: 'b' }],
      ['values without a partition hold everywhere', true, { seq: 5 }, { seq: 6, content: EQUALITY, specId: 1 }],
      ['a void partition is none', true, { seq: 5 }, { seq: 6, content: EQUALITY, specId: 2 }],
      ['values everywhere of the same commit', false, { seq: 5 }, { seq: 5, content: EQUALITY, specId: 1 }],
    ]
    for (const [title, concerned, data, deletes] of cases) {
      const [found] = matchDeletes(tableMetadata(), [held(data)], [held(deletes)])
      expect([title, found?.deletes.length]).toEqual([title, concerned ? 1 : 0])
    }
  })

  it('remove exactly the rows that a plain reading of the rules removes', async () => {
    const engine = await openTestEngine()
    const folder = await temporaryFolder()
    let written = 0
    const writeFile = async (rows: string, ids: string, about: Given): Promise<HeldFile> => {
      const path = join(folder, `00000-${written++}.parquet`)
      await engine.query(`COPY (${rows}) TO '${path}' (FORMAT parquet, FIELD_IDS {${ids}})`)
      return held({ ...about, path: `file://${path}`, sizeBytes: statSync(path).size })
    }
    const row = fc.record({ id: fc.option(fc.integer({ min: 0, max: 4 })), city: fc.option(fc.constantFrom('x', 'y')) })
    const part = fc.option(fc.constantFrom('a', 'b'))
    const seq = fc.integer({ min: 1, max: 6 })
    const data = fc.record({ seq, part, rows: fc.array(row, { minLength: 1, maxLength: 6 }) })
    const positions = fc.record({
      seq,
      part,
      marks: fc.array(fc.record({ file: fc.nat(3), pos: fc.nat(6) }), { minLength: 1, maxLength: 5 }),
      scheme: fc.constantFrom('file://', 'file:', ''),
    })
    const equality = fc.record({
      seq,
      part,
      everywhere: fc.boolean(),
      ids: fc.constantFrom<readonly number[]>([1], [4], [1, 4], [2]),
      rows: fc.array(row, { minLength: 1, maxLength: 2 }),
    })
    const text = (value: string | null) => (value === null ? 'CAST(NULL AS VARCHAR)' : `'${value}'`)
    const select = (rows: readonly { id: number | null; city: string | null }[], word: string | null) =>
      rows
        .map(
          ({ id, city }, at) =>
            `SELECT ${at} AS nr, CAST(${id} AS INTEGER) AS id, ${text(word)} AS word, {'city': ${text(city)}} AS place`,
        )
        .join(' UNION ALL ')
    const metadata = tableMetadata()
    await fc.assert(
      fc.asyncProperty(
        fc.array(data, { minLength: 1, maxLength: 4 }),
        fc.array(positions, { maxLength: 2 }),
        fc.array(equality, { maxLength: 3 }),
        async (dataFiles, positionFiles, equalityFiles) => {
          const ids = 'id: 1, word: 2, place: {__duckdb_field_id: 3, city: 4}'
          const files: HeldFile[] = []
          for (const each of dataFiles) {
            const rows = `SELECT * EXCLUDE nr FROM (${select(each.rows, each.part)}) ORDER BY nr`
            files.push(await writeFile(rows, ids, { seq: each.seq, part: each.part, recordCount: each.rows.length }))
          }
          const deletes: HeldFile[] = []
          for (const each of positionFiles) {
            const marks = each.marks.map(({ file, pos }) => {
              const path = files[file % files.length]?.file.path.replace('file://', each.scheme)
              return `SELECT '${path}' AS file_path, ${pos}::BIGINT AS pos`
            })
            const about = { seq: each.seq, part: each.part, content: POSITIONS } as const
            deletes.push(await writeFile(marks.join(' UNION ALL '), 'file_path: 2147483546, pos: 2147483545', about))
          }
          for (const each of equalityFiles) {
            const about = { seq: each.seq, part: each.part, content: EQUALITY, equalityIds: each.ids } as const
            const rows = `SELECT * EXCLUDE nr FROM (${select(each.rows, each.part)})`
            deletes.push(await writeFile(rows, ids, each.everywhere ? { ...about, specId: 1 } : about))
          }
          const live = matchDeletes(metadata, files, deletes)
          const sql = await selectLiveRows(
            { engine, storage: localStorage },
            { table: { name: 't', metadata }, schema: currentSchema(metadata), files: live, origin: true },
          )
          const found = await engine.readRows(
            `SELECT _esteira_file AS file, _esteira_pos::INTEGER AS pos, id::INTEGER AS id FROM (${sql})`,
          )
          const expected = dataFiles.flatMap((each, index) =>
            each.rows.flatMap((given, pos) => {
              const marked = positionFiles.some(
                (del) =>
                  del.seq >= each.seq &&
                  del.part === each.part &&
                  del.marks.some((mark) => mark.file % files.length === index && mark.pos === pos),
              )
              const equal = equalityFiles.some(
                (del) =>
                  del.seq > each.seq &&
                  (del.everywhere || del.part === each.part) &&
                  del.rows.some(
                    (gone) =>
                      (!del.ids.includes(1) || gone.id === given.id) &&
                      (!del.ids.includes(2) || del.part === each.part) &&
                      (!del.ids.includes(4) || gone.city === given.city),
                  ),
              )
              const file = files[index]?.file.path.replace('file://', '')
              return marked || equal ? [] : [{ file, pos, id: given.id }]
            }),
          )
          const sorted = (rows: readonly object[]) => rows.map((each) => JSON.stringify(each)).sort()
          expect(sorted(found)).toEqual(sorted(expected))
        },
      ),
      { numRuns: 60, seed: 7 },
    )
  })

  it('that are gone, cut or compare an unknown column are an error, never rows that come back', async () => {
    const engine = await openTestEngine()
    const folder = await temporaryFolder()
    const metadata = tableMetadata()
    const write = async (name: string, rows: string, about: Given) => {
      const path = join(folder, name)
      await engine.query(`COPY (${rows}) TO '${path}' (FORMAT parquet, FIELD_IDS {id: 1})`)
      return held({ ...about, path: `file://${path}`, sizeBytes: statSync(path).size })
    }
    const data = await write('data.parquet', 'SELECT 1::BIGINT AS id', { seq: 1 })
    const read = async (deletes: HeldFile) => {
      const files = matchDeletes(metadata, [data], [deletes])
      const table = { name: 'silver.t', metadata }
      const sql = await selectLiveRows(
        { engine, storage: localStorage },
        { table, schema: currentSchema(metadata), files },
      )
      return engine.query(sql)
    }
    const equality = await write('eq.parquet', 'SELECT 1::BIGINT AS id', {
      seq: 2,
      content: EQUALITY,
      equalityIds: [1],
    })
    expect(await read(equality)).toMatchObject({ rowCount: 0 })
    const corrupt = { code: 'ESTEIRA_TABLE_CORRUPT', message: expect.stringContaining('delete file') }
    await expect(
      read({ ...equality, file: { ...equality.file, path: `${equality.file.path}.gone` } }),
    ).rejects.toMatchObject(corrupt)
    await expect(read({ ...equality, file: { ...equality.file, sizeBytes: 3 } })).rejects.toMatchObject(corrupt)
    await expect(read({ ...equality, file: { ...equality.file, equalityIds: [77] } })).rejects.toMatchObject(corrupt)
    // A delete file without field ids: nobody knows what its columns stand for.
    const path = join(folder, 'unnumbered.parquet')
    await engine.query(`COPY (SELECT 1::BIGINT AS id) TO '${path}' (FORMAT parquet)`)
    const unnumbered = held({
      seq: 2,
      content: EQUALITY,
      equalityIds: [1],
      path: `file://${path}`,
      sizeBytes: statSync(path).size,
    })
    await expect(read(unnumbered)).rejects.toMatchObject({ code: 'ESTEIRA_UNSUPPORTED' })
    // Without columns to compare it would remove every row.
    await expect(read({ ...equality, file: { ...equality.file, equalityIds: [] } })).rejects.toMatchObject(corrupt)
  })
})
