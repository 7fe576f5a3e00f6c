import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runPython } from '../../services/python.js'

/** Paths of all files in the folder of a table, sorted. */
export async function filesInFolder(home: string, table: string): Promise<readonly string[]> {
  const folder = join(home, 'lakehouse', ...table.split('.'))
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Paths of all files that a table needs, as PyIceberg follows them from its catalog entry, sorted. */
export async function filesNeeded(home: string, table: string): Promise<readonly string[]> {
  return JSON.parse(await runPython(NEEDED, [home, table])) as string[]
}

const NEEDED = `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
home, name = sys.argv[1:3]
table = SqlCatalog("esteira", uri=f"sqlite:///{home}/catalog.db").load_table(name)
files = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
for snapshot in table.metadata.snapshots:
    files.add(snapshot.manifest_list)
    for manifest in snapshot.manifests(table.io):
        files.add(manifest.manifest_path)
        files.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True))
print(json.dumps(sorted(path.removeprefix("file://") for path in files)))
`
