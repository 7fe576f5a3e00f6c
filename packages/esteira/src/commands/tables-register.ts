import { readEnvironment } from '../environment.js'
import { openLakehouse } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print } from '../terminal/style.js'

/** `esteira tables register NAME PLACE`: makes a table that others wrote known by a name. */
export async function registerTable(options: {
  readonly name: string
  readonly place: string
  readonly adopt: boolean
  readonly json: boolean
}): Promise<void> {
  const { name, place, adopt, json } = options
  const lakehouse = await openLakehouse(readEnvironment())
  try {
    const state = await lakehouse.register(name, place, { adopt })
    const { rowCount, fileCount, sizeBytes, location, snapshotId, readOnly = false } = state
    if (json) {
      printDocument({ name, location, snapshotId: snapshotId ?? null, rowCount, fileCount, sizeBytes, readOnly })
      return
    }
    print(`${name}: ${rowCount.toLocaleString('en-US')} rows in ${fileCount} files at ${location}`)
    print(readOnly ? 'It is only read here. To write to it, take it over: --adopt' : 'It can be written here.')
    print(`Read it: npx esteira sql "SELECT * FROM ${name} LIMIT 10"`)
  } finally {
    await lakehouse.close()
    await lakehouse.engine.close()
  }
}
