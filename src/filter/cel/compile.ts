import type { ASTNode } from '@marcbachmann/cel-js'
import { SEVERITIES } from '../../codec/severity.ts'
import { didYouMean } from '../../nearest.ts'
import type { Pattern } from '../pattern.ts'
import { arithmetic, type Failed, negative } from './arithmetic.ts'
import { compileCall } from './calls.ts'
import { allOf, anyOf, equal, isAbsent, isIn, not, ordered, unequal } from './compare.ts'
import { boolOf, constantOf, type Expression, intOf, nameOf, testOf } from './expression.ts'
import { KEYS } from './keys.ts'
import { CelProblem } from './problem.ts'

/** Compiles the tree that the parser made, part by part, into what finds the values in a record. */

/** What is known while an expression is compiled, and what is learnt of it. */
export interface Compilation {
  readonly keys: Set<string>
  readonly patterns: Pattern[]
  readonly failed: Failed
  /** Parts that may still be compiled: `exists` compiles its own again for every element. */
  budget: number
}

/** Names that a macro has given to elements of its list. */
type Scope = ReadonlyMap<string, Expression>

/** Compiles a part of an expression. */
export function compile(node: ASTNode, to: Compilation, scope: Scope = new Map()): Expression {
  if (--to.budget < 0) throw new CelProblem('the expression is too large', node)
  const of = (part: ASTNode): Expression => compile(part, to, scope)
  switch (node.op) {
    case 'value':
      return literal(node.args, node)
    case 'id':
      return name(node.args, node, to, scope)
    case '&&':
    case '||':
      return logical(node.op, node, to, scope)
    case '!_':
      return not(boolean(of(node.args), node.args))
    case '-_':
      return negative(of(node.args), node, to.failed)
    case '==':
      return equal(of(node.args[0]), of(node.args[1]), node)
    case '!=':
      return unequal(of(node.args[0]), of(node.args[1]), node)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(node.op, of(node.args[0]), of(node.args[1]), node)
    case 'in':
      return isIn(of(node.args[0]), of(node.args[1]), node)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(node.op, of(node.args[0]), of(node.args[1]), node, to.failed)
    case '?:':
      return choose(of(node.args[0]), of(node.args[1]), of(node.args[2]), node)
    case 'list':
      return { type: 'list', deep: false, value: () => null, elements: node.args.map(of) }
    case 'call':
    case 'rcall':
      return call(node, to, scope)
    default:
      throw new CelProblem(notHere(node.op), node)
  }
}

const notHere = (op: string): string =>
  op === '.'
    ? 'keys have no parts: a record is flat'
    : 'maps, indexes and optional values are not for filters'

function literal(value: unknown, node: ASTNode): Expression {
  if (value === null) return constantOf('null', null)
  if (typeof value === 'boolean') return constantOf('bool', value)
  if (typeof value === 'string') return constantOf('string', value)
  if (typeof value === 'number') return constantOf('double', value)
  // A uint (`5u`) is an int here: nothing in a record is unsigned.
  const whole = typeof value === 'bigint' ? value : (value as { value?: unknown }).value
  if (typeof whole !== 'bigint') throw new CelProblem('bytes are not for filters; write a text', node)
  // One more than the largest: its negative is an int.
  if (whole > 2n ** 63n) throw new CelProblem('this int is beyond 64 bits', node)
  return constantOf('int', intOf(whole))
}

const LEVELS: ReadonlyMap<string, Expression> = new Map(
  SEVERITIES.map((severity, rank) => [severity, constantOf('level', rank)]),
)

function name(text: string, node: ASTNode, to: Compilation, scope: Scope): Expression {
  const found = scope.get(text) ?? KEYS.get(text)
  if (found !== undefined) {
    if (found.key !== undefined) to.keys.add(found.key)
    return found
  }
  const level = LEVELS.get(text)
  if (level !== undefined) return level
  const near = didYouMean(text, [...scope.keys(), ...KEYS.keys(), ...LEVELS.keys()])
  throw new CelProblem(`${text}: there is no such key${near || ALIASES.get(text) || SEE}`, node)
}

const SEE = '; "pgturret filter check --help" lists them'

/** What the same thing is called elsewhere. */
const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    database: 'dbname',
    db: 'dbname',
    username: 'user',
    app: 'application_name',
    sqlstate: 'state_code',
    severity: 'level',
    query: 'statement',
    duration: 'duration_ms',
    host: 'remote_host',
    client: 'remote_host',
    time: 'timestamp',
    log_time: 'timestamp',
    table: 'table_name',
    constraint: 'constraint_name',
  }).map(([theirs, ours]) => [theirs, `; write ${ours}`]),
)

function boolean(one: Expression, node: ASTNode): Expression {
  if (one.type === 'bool') return one
  const advice = one.key === undefined ? '' : `; has(${one.key}) asks whether it is there`
  throw new CelProblem(`expected true or false here, and this is ${nameOf(one)}${advice}`, node)
}

/** A chain of the same operator is one list, however the parser has nested it. */
function logical(op: '&&' | '||', node: ASTNode, to: Compilation, scope: Scope): Expression {
  const parts: ASTNode[] = []
  let rest = node
  while (rest.op === op) {
    const [left, right] = rest.args as [ASTNode, ASTNode]
    parts.unshift(right)
    rest = left
  }
  parts.unshift(rest)
  const compiled = parts.map((part) => boolean(compile(part, to, scope), part))
  return op === '&&' ? allOf(compiled) : anyOf(compiled)
}

function choose(condition: Expression, left: Expression, right: Expression, node: ASTNode): Expression {
  const test = testOf(boolean(condition, node))
  const type = left.type === 'null' ? right.type : left.type
  if (type === 'list' || (type !== right.type && right.type !== 'null'))
    throw new CelProblem(`both results must be of one kind, not ${nameOf(left)} and ${nameOf(right)}`, node)
  // A bool is never absent.
  if (type === 'bool' && left.type !== right.type)
    throw new CelProblem('null is neither true nor false', node)
  const deep = condition.deep || left.deep || right.deep
  return { type, deep, value: (record) => (test(record) ? left.value(record) : right.value(record)) }
}

type CallNode = Extract<ASTNode, { op: 'call' | 'rcall' }>

function call(node: CallNode, to: Compilation, scope: Scope): Expression {
  const [called, ...parts] = node.args
  if (node.op === 'call') {
    const args = parts[0] as ASTNode[]
    if (called === 'has') return present(args, node, to, scope)
    return callOf(node, called, undefined, args, to, scope)
  }
  const [receiver, args] = parts as [ASTNode, ASTNode[]]
  if (called === 'exists' || called === 'all' || called === 'exists_one')
    return quantified(called, compile(receiver, to, scope), args, node, { to, scope })
  return callOf(node, called, receiver, args, to, scope)
}

function callOf(
  node: ASTNode,
  called: string,
  receiver: ASTNode | undefined,
  args: readonly ASTNode[],
  to: Compilation,
  scope: Scope,
): Expression {
  return compileCall({
    name: called,
    receiver: receiver === undefined ? undefined : compile(receiver, to, scope),
    args: args.map((arg) => compile(arg, to, scope)),
    at: node,
    failed: to.failed,
    pattern: (pattern) => to.patterns.push(pattern),
  })
}

function present(args: readonly ASTNode[], node: ASTNode, to: Compilation, scope: Scope): Expression {
  const [arg] = args
  if (args.length !== 1 || arg?.op !== 'id') throw new CelProblem('has() takes one key: has(dbname)', node)
  const found = compile(arg, to, scope)
  // What is always true or false is there when it is true: the event has no key otherwise.
  return found.type === 'bool' ? found : not(isAbsent(found))
}

/** `["a", "b"].exists(x, …)`: the test once for each element. */
function quantified(
  macro: string,
  list: Expression,
  args: readonly ASTNode[],
  node: ASTNode,
  { to, scope }: { to: Compilation; scope: Scope },
): Expression {
  const [variable, predicate] = args
  if (list.elements === undefined || variable?.op !== 'id' || predicate === undefined || args.length > 2)
    throw new CelProblem(
      `expected a list and a test, such as ["a", "b"].${macro}(x, message.contains(x))`,
      node,
    )
  const tests = list.elements.map((element) =>
    boolean(compile(predicate, to, new Map([...scope, [variable.args, element]])), predicate),
  )
  if (macro === 'exists') return anyOf(tests)
  if (macro === 'all') return allOf(tests)
  const each = tests.map(testOf)
  return boolOf(
    tests.some(({ deep }) => deep),
    (record) => each.filter((test) => test(record)).length === 1,
  )
}
