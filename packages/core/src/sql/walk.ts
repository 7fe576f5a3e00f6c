import type { Expression } from './expression.js'

/** Calls `see` for the node and everything below it. */
export function visitExpression(node: Expression, see: (node: Expression) => void): void {
  see(node)
  for (const child of childrenOf(node)) visitExpression(child, see)
}

function childrenOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'column':
    case 'literal':
      return []
    case 'cast':
    case 'not':
    case 'isNull':
      return [node.of]
    case 'operation':
      return [node.left, node.right]
    case 'between':
      return [node.of, node.low, node.high]
    case 'oneOf':
      return [node.of, ...node.values]
    case 'case':
      return [...node.when.flatMap((branch) => [branch.if, branch.value]), node.otherwise]
    case 'call':
      return node.args
    case 'aggregate':
      return [node.of, node.where].filter((child) => child !== undefined)
    case 'window':
      return [...node.partitionBy, ...node.orderBy.map((ordering) => ordering.by)]
  }
}

type ColumnNode = Expression & { kind: 'column' }

/** The expression with every column replaced by what `map` gives for it. */
export function mapColumns(node: Expression, map: (node: ColumnNode) => Expression): Expression {
  return replaceNodes(node, (each) => (each.kind === 'column' ? map(each) : undefined))
}

/** The expression with nodes replaced, outermost first; what `replace` gives is taken as it is, undefined keeps the node. */
export function replaceNodes(node: Expression, replace: (node: Expression) => Expression | undefined): Expression {
  const replaced = replace(node)
  if (replaced !== undefined) return replaced
  const go = (child: Expression) => replaceNodes(child, replace)
  switch (node.kind) {
    case 'column':
    case 'literal':
      return node
    case 'cast':
    case 'not':
    case 'isNull':
      return { ...node, of: go(node.of) }
    case 'operation':
      return { ...node, left: go(node.left), right: go(node.right) }
    case 'between':
      return { ...node, of: go(node.of), low: go(node.low), high: go(node.high) }
    case 'oneOf':
      return { ...node, of: go(node.of), values: node.values.map(go) }
    case 'case':
      return {
        ...node,
        when: node.when.map((branch) => ({ if: go(branch.if), value: go(branch.value) })),
        otherwise: go(node.otherwise),
      }
    case 'call':
      return { ...node, args: node.args.map(go) }
    case 'aggregate':
      return { ...node, ...(node.of && { of: go(node.of) }), ...(node.where && { where: go(node.where) }) }
    case 'window':
      return {
        ...node,
        partitionBy: node.partitionBy.map(go),
        orderBy: node.orderBy.map((ordering) => ({ ...ordering, by: go(ordering.by) })),
      }
  }
}
