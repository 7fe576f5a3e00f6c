import { EsteiraError, type Expression, type FeatureView, nearest, visitExpression } from '@esteira/core'

/**
 * The features that are expressions, by level: 0 aggregates events, n uses features of levels below n. Most frequent
 * values are of level 0.
 *
 * @throws EsteiraError ESTEIRA_PROJECT when a feature is made of itself or of one that is not declared
 */
export function featureLevels(view: FeatureView): Map<string, Expression>[] {
  const known = new Map<string, number>()
  const visiting = new Set<string>()
  const levelOf = (name: string, user: string): number => {
    const done = known.get(name)
    if (done !== undefined) return done
    const feature = Object.hasOwn(view.features, name) ? view.features[name] : undefined
    if (feature === undefined) throw undeclared(view, name, user)
    if (visiting.has(name))
      throw new EsteiraError('ESTEIRA_PROJECT', `views.${view.name}.features.${name}: it is made of itself`)
    visiting.add(name)
    const used = feature.kind === 'expression' ? [...featuresRead(feature.value)] : []
    const level = used.length === 0 ? 0 : 1 + Math.max(...used.map((each) => levelOf(each, name)))
    if (level > 0 && feature.kind === 'expression' && aggregates(feature.value)) {
      throw new EsteiraError(
        'ESTEIRA_PROJECT',
        `views.${view.name}.features.${name}: it uses other features and aggregates events; make the aggregate a feature of its own`,
      )
    }
    known.set(name, level)
    return level
  }
  const levels: Map<string, Expression>[] = [new Map()]
  for (const [name, feature] of Object.entries(view.features)) {
    const level = levelOf(name, name)
    for (let index = levels.length; index <= level; index++) levels.push(new Map())
    if (feature.kind === 'expression') levels[level]?.set(name, feature.value)
  }
  return levels
}

function undeclared(view: FeatureView, name: string, user: string): EsteiraError {
  const near = nearest(name, Object.keys(view.features))
  return new EsteiraError(
    'ESTEIRA_PROJECT',
    `views.${view.name}.features.${user}: it uses feature "${name}", which is not declared`,
    { ...(near !== undefined && { hint: `Did you mean "${near}"?` }) },
  )
}

function featuresRead(expression: Expression): Set<string> {
  const names = new Set<string>()
  visitExpression(expression, (node) => {
    if (node.kind === 'column' && node.table === 'feature') names.add(node.name)
  })
  return names
}

function aggregates(expression: Expression): boolean {
  let found = false
  visitExpression(expression, (node) => {
    if (node.kind === 'aggregate') found = true
  })
  return found
}
