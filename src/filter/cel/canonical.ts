import type { ASTNode } from '@marcbachmann/cel-js'

/**
 * An expression as the parser understood it, with no more parentheses than it needs. (The parser's own package writes
 * `a - (b - c)` without them, and letters beyond ASCII as escapes.)
 */

/** What binds how tightly. */
const BINDING: Readonly<Record<string, number>> = {
  '?:': 1,
  '||': 2,
  '&&': 3,
  ...{ '==': 4, '!=': 4 },
  ...{ '<': 5, '<=': 5, '>': 5, '>=': 5, in: 5 },
  ...{ '+': 6, '-': 6 },
  ...{ '*': 7, '/': 7, '%': 7 },
  ...{ '!_': 8, '-_': 8 },
}

/** Names, literals, calls. */
const TIGHTEST = 9

const bindingOf = ({ op }: ASTNode): number => BINDING[op] ?? TIGHTEST

/** An expression that was compiled, as text that means the same. */
export function canonicalText(node: ASTNode): string {
  switch (node.op) {
    case 'value':
      return literalText(node.args)
    case 'id':
      return node.args
    case '!_':
    case '-_':
      return `${node.op[0]}${inside(node.args, TIGHTEST)}`
    case '?:': {
      const [condition, left, right] = node.args
      return `${inside(condition, 2)} ? ${inside(left, 2)} : ${canonicalText(right)}`
    }
    case 'list':
      return `[${listText(node.args)}]`
    case 'call':
      return `${node.args[0]}(${listText(node.args[1])})`
    case 'rcall':
      return `${inside(node.args[1], TIGHTEST)}.${node.args[0]}(${listText(node.args[2])})`
    default: {
      // Operators with two sides group to the left.
      const [left, right] = node.args as [ASTNode, ASTNode]
      const binding = bindingOf(node)
      return `${inside(left, binding)} ${node.op} ${inside(right, binding + 1)}`
    }
  }
}

const listText = (nodes: readonly ASTNode[]): string => nodes.map(canonicalText).join(', ')

/** A part, in parentheses where it binds less than it must. */
const inside = (node: ASTNode, least: number): string =>
  bindingOf(node) < least ? `(${canonicalText(node)})` : canonicalText(node)

function literalText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isInteger(value)) return `${value.toFixed(1)}`
  return String(value)
}
