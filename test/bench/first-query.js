// Loaded into a step by start.js (`node --import`): tells when DuckDB gets its first statement. DuckDB is a native module, so
// what it exports is wrapped where Node.js loads it.
const load = process.dlopen
const STATEMENTS = new Set(['query', 'prepare', 'extract_statements'])
let isTold = false

process.dlopen = (...args) => {
  load.apply(process, args)
  const [loaded, file] = args
  if (!/duckdb\.node$/.test(file)) return
  const { exports } = /** @type {{ exports: Record<string, unknown> }} */ (/** @type {unknown} */ (loaded))
  Object.assign(loaded, { exports: new Proxy(exports, { get: observed }) })
}

/** @param {Record<string, unknown>} target @param {string | symbol} name */
function observed(target, name) {
  const value = target[String(name)]
  if (!isTold && STATEMENTS.has(String(name))) {
    isTold = true
    process.stdout.write(`first-query ${Date.now()}\n`)
  }
  return value
}
