import { EsteiraError } from '@esteira/core'

/** Text as a value in one of MLflow's filters, which know two quotes and no escape. */
export function quote(value: string): string {
  if (!value.includes("'")) return `'${value}'`
  if (!value.includes('"')) return `"${value}"`
  throw new EsteiraError('ESTEIRA_UNSUPPORTED', `MLflow cannot search for ${value}: it has both kinds of quotes`)
}

/** `tags.key = 'value' AND …` */
export function tagFilter(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([key, value]) => `tags.\`${key}\` = ${quote(value)}`)
    .join(' AND ')
}
