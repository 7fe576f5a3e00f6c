import { describe, expect, it } from 'vitest'
import { catalogPython } from './catalog-python.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const ADD_FILES = `
import pyarrow.parquet as pq
from pyiceberg.schema import Schema
from pyiceberg.types import *
from pyiceberg.partitioning import PartitionSpec, PartitionField
from pyiceberg.transforms import *
catalog.create_namespace("theirs")
schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "place", StructType(NestedField(5, "city", StringType()), NestedField(6, "zip", IntegerType()))),
  NestedField(3, "visits", ListType(7, StructType(NestedField(8, "at", StringType())), element_required=False)), NestedField(4, "tags", MapType(9, StringType(), 10, IntegerType(), value_required=False)))
t = catalog.create_table("theirs.t", schema=schema)
path = sys.argv[1] + "/outside.parquet"
# The columns stand in another order than in the table: by position they would be wrong.
pq.write_table(pa.table({
  "tags": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
  "place": pa.array([{"zip": 5, "city": "Olinda"}, None], pa.struct([("zip", pa.int32()), ("city", pa.string())])),
  "id": pa.array([1, 2], pa.int64()),
  "visits": pa.array([[{"at": "dawn"}, None], []], pa.list_(pa.struct([("at", pa.string())]))),
}), path)
t.add_files([path])
`

describe('files without field ids', () => {
  it('are read by the name mapping of the table, at every level, after renaming too', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await catalogPython(
      home,
      `${ADD_FILES}
with t.update_schema() as u:
    u.rename_column("id", "number")
    u.rename_column("place.city", "town")
    u.rename_column("visits.at", "time")
    u.add_column(("place", "state"), StringType())
print(1)
`,
    )
    const seen = await rows('SELECT * FROM {theirs.t} ORDER BY number')
    expect(seen.map((row) => Object.values(row))).toEqual([
      [1, '{"town": "Olinda", "zip": 5, "state": null}', '[{"time": "dawn"}, null]', '{"k": 1}'],
      [2, null, '[]', null],
    ])
    // Rewritten rows have field ids; nothing of them is lost.
    const replaced = await lakehouse.replace(
      'theirs.t',
      [{ column: 'number', op: '=', value: 2 }],
      "SELECT 3 AS number, {'town': 't', 'zip': 1, 'state': 'c'} AS place",
      commit(),
    )
    expect(replaced).toMatchObject({ rowsRemoved: 1, rowsAdded: 1 })
    const told = await catalogPython(
      home,
      `
r = sorted(catalog.load_table("theirs.t").scan().to_arrow().to_pylist(), key=lambda r: r["number"])
print(json.dumps([[x["number"], x["place"]] for x in r]))
`,
    )
    expect(told).toEqual([
      [1, { town: 'Olinda', zip: 5, state: null }],
      [3, { town: 't', zip: 1, state: 'c' }],
    ])
  })

  it('are refused without a mapping, and with one that is none', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await catalogPython(
      home,
      `${ADD_FILES}
with t.transaction() as tx: tx.remove_properties("schema.name-mapping.default")
print(1)
`,
    )
    const refused = { code: 'ESTEIRA_UNSUPPORTED', message: expect.stringContaining('outside.parquet') }
    await expect(rows('SELECT * FROM {theirs.t}')).rejects.toMatchObject(refused)
    await lakehouse.evolve('theirs.t', [{ op: 'set', properties: { 'schema.name-mapping.default': '{"no": "list"}' } }])
    await expect(rows('SELECT * FROM {theirs.t}')).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_CORRUPT' })
  })

  it('take a column that they lack from their identity partition', async () => {
    const { home, rows } = await openTestLakehouse()
    await catalogPython(
      home,
      `
import pyarrow.parquet as pq
from pyiceberg.schema import Schema
from pyiceberg.types import *
from pyiceberg.partitioning import PartitionSpec, PartitionField
from pyiceberg.transforms import *
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.typedef import Record
catalog.create_namespace("theirs")
schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "day", DateType()), NestedField(3, "word", StringType()))
spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "day"), PartitionField(3, 1001, IdentityTransform(), "word"))
t = catalog.create_table("theirs.h", schema=schema, partition_spec=spec)
# As Hive lays tables out: the partition columns stand in the folder's name, not in the file.
with t.transaction() as tx:
    tx.set_properties({"schema.name-mapping.default": json.dumps([{"field-id": 1, "names": ["id"]}])})
    with tx.update_snapshot().fast_append() as append:
        for day, word in [(19754, "o'ne"), (19755, None)]:
            path = sys.argv[1] + "/%d.parquet" % day
            pq.write_table(pa.table({"id": pa.array([day], pa.int64())}), path)
            import os
            append.append_data_file(DataFile.from_args(content=DataFileContent.DATA, file_path="file://" + path, file_format=FileFormat.PARQUET,
              partition=Record(day, word), record_count=1, file_size_in_bytes=os.path.getsize(path), column_sizes=None, value_counts=None, null_value_counts=None,
              nan_value_counts=None, lower_bounds=None, upper_bounds=None, key_metadata=None, split_offsets=None, equality_ids=None, sort_order_id=None))
print(1)
`,
    )
    expect(await rows('SELECT * FROM {theirs.h} ORDER BY id')).toEqual([
      { id: 19754, day: '2024-02-01', word: "o'ne" },
      { id: 19755, day: '2024-02-02', word: null },
    ])
  })
})
