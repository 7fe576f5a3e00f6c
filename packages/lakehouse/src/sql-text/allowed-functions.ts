import { dateDifference, formatDate, moveDate, truncateDate, unitOf } from './date-functions.js'
import { failWith, type Operand, remainder, roundTowards } from './exact-arithmetic.js'
import { refuseSql } from './refuse-sql.js'
import { quoteText } from './sql-tree.js'

export interface Argument extends Operand {
  /** The text of a string literal. */
  readonly text: string | undefined
}

export interface AllowedFunction {
  /** An aggregate can be a window function too. */
  readonly kind: 'scalar' | 'aggregate' | 'window'
  readonly least: number
  readonly most: number
  /** `call` writes a call of a DuckDB function, with DISTINCT, FILTER and OVER where they were written. */
  readonly render: (args: readonly Argument[], call: (name: string, args: readonly string[]) => string) => string
}

/** What Trino's trim removes and DuckDB's does not, but for the blank. */
const BLANKS =
  ' \t\n\u000b\f\r\u001c\u001d\u001e\u001f\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000'

const MISSING: Argument = { sql: 'NULL', type: undefined, text: undefined }

const at = (args: readonly Argument[], index: number): Argument => args[index] ?? MISSING
const sqlOf = (args: readonly Argument[]): string[] => args.map((arg) => arg.sql)

/** The same function under the same or another name in DuckDB, with the same values. */
function same(kind: AllowedFunction['kind'], least: number, most: number, name: string): AllowedFunction {
  return { kind, least, most, render: (args, call) => call(name, sqlOf(args)) }
}

function scalar(least: number, most: number, render: (args: readonly Argument[]) => string): AllowedFunction {
  return { kind: 'scalar', least, most, render }
}

function sameNames(kind: AllowedFunction['kind'], args: number, names: string): Record<string, AllowedFunction> {
  return Object.fromEntries(names.split(' ').map((name) => [name, same(kind, args, args, name)]))
}

/**
 * Every function that people may call, by its Trino name, with its rendering in DuckDB's SQL. A function is here when
 * the two give equal values, or its rendering makes them equal.
 */
export const ALLOWED_FUNCTIONS: Readonly<Record<string, AllowedFunction>> = {
  ...sameNames('scalar', 1, 'abs sqrt ln log2 log10 exp lower upper length'),
  ...sameNames('scalar', 1, 'year quarter month day hour minute second'),
  ...sameNames('aggregate', 1, 'sum min max bool_and bool_or'),
  ...sameNames('aggregate', 1, 'stddev stddev_samp stddev_pop variance var_samp var_pop'),
  ...sameNames('window', 0, 'row_number rank dense_rank percent_rank cume_dist'),
  ...sameNames('window', 1, 'ntile first_value last_value'),
  ...sameNames('scalar', 2, 'nullif starts_with'),
  nth_value: same('window', 2, 2, 'nth_value'),
  lag: same('window', 1, 3, 'lag'),
  lead: same('window', 1, 3, 'lead'),
  count: same('aggregate', 0, 1, 'count'),
  // DuckDB's own count_if is null without rows.
  count_if: {
    kind: 'aggregate',
    least: 1,
    most: 1,
    render: (args, call) => call('count', [`CASE WHEN ${at(args, 0).sql} THEN 1 END`]),
  },
  avg: { kind: 'aggregate', least: 1, most: 1, render: average },
  coalesce: same('scalar', 2, 99, 'coalesce'),
  if: scalar(2, 3, (args) => `(CASE WHEN ${at(args, 0).sql} THEN ${at(args, 1).sql} ELSE ${at(args, 2).sql} END)`),
  greatest: scalar(2, 99, (args) => unlessNull(args, 'greatest')),
  least: scalar(2, 99, (args) => unlessNull(args, 'least')),
  is_nan: same('scalar', 1, 1, 'isnan'),
  power: same('scalar', 2, 2, 'pow'),
  pow: same('scalar', 2, 2, 'pow'),
  mod: scalar(2, 2, (args) => remainder(at(args, 0), at(args, 1))),
  round: same('scalar', 1, 2, 'round'),
  ceil: scalar(1, 1, (args) => roundTowards(at(args, 0), 'ceil')),
  ceiling: scalar(1, 1, (args) => roundTowards(at(args, 0), 'ceil')),
  floor: scalar(1, 1, (args) => roundTowards(at(args, 0), 'floor')),
  trim: scalar(1, 1, (args) => `trim(${at(args, 0).sql}, ${quoteText(BLANKS)})`),
  ltrim: scalar(1, 1, (args) => `ltrim(${at(args, 0).sql}, ${quoteText(BLANKS)})`),
  rtrim: scalar(1, 1, (args) => `rtrim(${at(args, 0).sql}, ${quoteText(BLANKS)})`),
  substr: scalar(2, 3, substring),
  substring: scalar(2, 3, substring),
  concat: scalar(2, 99, (args) => `(${sqlOf(args).join(' || ')})`),
  replace: scalar(3, 3, replaceText),
  date: scalar(1, 1, (args) => `CAST(${at(args, 0).sql} AS DATE)`),
  date_trunc: scalar(2, 2, (args) => truncateDate(unitOf('date_trunc', at(args, 0).text), at(args, 1).sql)),
  date_diff: scalar(3, 3, (args) =>
    dateDifference(unitOf('date_diff', at(args, 0).text), at(args, 1).sql, at(args, 2).sql),
  ),
  date_add: scalar(3, 3, (args) => moveDate(at(args, 2), '+', unitOf('date_add', at(args, 0).text), at(args, 1).sql)),
  date_format: scalar(2, 2, (args) => formatDate(at(args, 0).sql, at(args, 1).text)),
  day_of_month: same('scalar', 1, 1, 'day'),
  day_of_week: same('scalar', 1, 1, 'isodow'),
  dow: same('scalar', 1, 1, 'isodow'),
  day_of_year: same('scalar', 1, 1, 'dayofyear'),
  week: same('scalar', 1, 1, 'week'),
  last_day_of_month: same('scalar', 1, 1, 'last_day'),
}

/** Null as soon as one argument is, as in Trino; DuckDB leaves nulls out. */
function unlessNull(args: readonly Argument[], name: string): string {
  const sql = sqlOf(args)
  return `(CASE WHEN ${sql.map((arg) => `${arg} IS NULL`).join(' OR ')} THEN NULL ELSE ${name}(${sql.join(', ')}) END)`
}

/** Trino rounds the average of decimals to their scale; DuckDB gives a double. */
function average(args: readonly Argument[], call: (name: string, args: readonly string[]) => string): string {
  const { sql, type } = at(args, 0)
  if (type === 'double' || type === 'integer') return call('avg', [sql])
  const message = 'Athena rounds an average of decimals to their scale: write avg(cast(x as double))'
  return `(CASE WHEN typeof(${call('sum', [sql])}) LIKE 'DECIMAL%' THEN ${failWith(message)} ELSE ${call('avg', [sql])} END)`
}

/** Trino gives '' for a start of 0 or before the text; DuckDB begins at the first character. */
function substring(args: readonly Argument[]): string {
  const [text, start, length] = [at(args, 0).sql, at(args, 1).sql, args[2]?.sql]
  const plain = length === undefined ? `substring(${text}, ${start})` : `substring(${text}, ${start}, ${length})`
  const isPositive = (sql: string | undefined) => sql === undefined || /^[1-9]\d*$/.test(sql)
  if (isPositive(start) && isPositive(length)) return plain
  const nothing = [`${start} = 0`, `-(${start}) > length(${text})`, ...(length === undefined ? [] : [`${length} <= 0`])]
  const anyNull = [text, start, ...(length === undefined ? [] : [length])].map((sql) => `${sql} IS NULL`)
  return `(CASE WHEN ${anyNull.join(' OR ')} THEN NULL WHEN ${nothing.join(' OR ')} THEN '' ELSE ${plain} END)`
}

function replaceText(args: readonly Argument[]): string {
  if (!at(args, 1).text) throw refuseSql('replace: the text to search must be written and not be empty', "Write 'x'.")
  return `replace(${sqlOf(args).join(', ')})`
}
