import { EsteiraError } from '@esteira/core'

export interface TableName {
  readonly database: string
  readonly table: string
}

/** `silver.bookings` in its two parts. @throws EsteiraError ESTEIRA_USAGE */
export function parseTableName(name: string): TableName {
  const dot = name.lastIndexOf('.')
  const [database, table] = [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1)]
  if (/^[\w-]+(\.[\w-]+)*$/.test(database) && /^[\w-]+$/.test(table)) return { database, table }
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `"${name}" is no table name; expected <database>.<table>, letters, digits, _ and -`,
    {
      hint: 'Write the name with its database, e.g. feature_store.customer_features.',
      details: { table: name },
    },
  )
}
