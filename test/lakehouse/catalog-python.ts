import { runPython } from '../services/python.js'

const OPEN = `
import json, sys, datetime, decimal, uuid
import pyarrow as pa, pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db", warehouse="file://" + sys.argv[1] + "/lakehouse")
`

/** Runs PyIceberg on the catalog of a lakehouse: `catalog` is open, the program prints one JSON document. */
export async function catalogPython(home: string, script: string, ...args: string[]): Promise<unknown> {
  return JSON.parse(await runPython(OPEN + script, [home, ...args]))
}
