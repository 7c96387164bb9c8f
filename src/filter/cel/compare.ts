import { SEVERITIES } from '../../codec/severity.ts'
import type { RecordView } from '../../record/view.ts'
import { lookFor } from '../needle.ts'
import {
  boolOf,
  constantOf,
  type Expression,
  isConstant,
  isNumber,
  nameOf,
  testOf,
  type Value,
} from './expression.ts'
import { CelProblem } from './problem.ts'

/**
 * Comparisons. What is absent equals nothing but null, and is neither below nor above anything.
 */

interface Spot {
  readonly start: number
  readonly end: number
}

/** `==`. */
export function equal(left: Expression, right: Expression, at: Spot): Expression {
  if (left.type === 'null') return isAbsent(right)
  if (right.type === 'null') return isAbsent(left)
  if (left.type !== right.type && !(isNumber(left) && isNumber(right))) throw notComparable(left, right, at)
  if (left.type === 'list')
    throw new CelProblem('lists cannot be compared; "in" asks whether one holds a value', at)
  if (isConstant(left) && isConstant(right)) return constantOf('bool', same(left.constant, right.constant))
  if (isConstant(left)) return equal(right, left, at)
  const deep = left.deep || right.deep
  if (left.field !== undefined && typeof right.constant === 'string') {
    const { deep: late, test } = lookFor('equals', right.constant, left.field)
    return boolOf(late, test)
  }
  const of = left.value
  if (isConstant(right)) {
    const { constant } = right
    return boolOf(
      deep,
      exact(constant) ? (record) => of(record) === constant : (record) => same(of(record), constant),
    )
  }
  const { value } = right
  return boolOf(deep, (record) => same(of(record), value(record)))
}

/** Whether values that equal this one are identical to it: not a number that some bigint equals. */
const exact = (value: Value): boolean => typeof value !== 'number' || Number.isSafeInteger(value)

/** A bigint equals a double of the same value. */
const same = (a: Value, b: Value): boolean =>
  a === b || (typeof a !== typeof b && a !== null && b !== null && !(a < b) && !(a > b))

/** `!=`. */
export const unequal = (left: Expression, right: Expression, at: Spot): Expression =>
  not(equal(left, right, at))

/** `!`. */
export function not(one: Expression): Expression {
  if (isConstant(one)) return constantOf('bool', !one.constant)
  const test = testOf(one)
  return boolOf(one.deep, (record) => !test(record))
}

/** `== null`. */
export function isAbsent(one: Expression): Expression {
  if (isConstant(one)) return constantOf('bool', one.constant === null)
  const { field, value } = one
  if (field !== undefined) return boolOf(field > 11, (record) => !record.has(field))
  return boolOf(one.deep, (record) => value(record) === null)
}

/** `<`, `<=`, `>` and `>=`. */
export type Order = '<' | '<=' | '>' | '>='

const MIRROR: Readonly<Record<Order, Order>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

export function ordered(op: Order, left: Expression, right: Expression, at: Spot): Expression {
  if (left.type !== right.type && !(isNumber(left) && isNumber(right))) throw notComparable(left, right, at)
  if (['null', 'list', 'bool'].includes(left.type)) throw new CelProblem(`${nameOf(left)} has no order`, at)
  if ([left, right].some(({ key }) => key === 'error_severity'))
    throw new CelProblem('error_severity is a text, ordered by the alphabet; write level >= ERROR', at)
  const deep = left.deep || right.deep
  if (left.type === 'string') return byCodePoints(op, left, right, deep)
  if (isConstant(left) && isConstant(right))
    return constantOf('bool', comparator(op)(left.constant, right.constant))
  if (isConstant(left)) return ordered(MIRROR[op], right, left, at)
  if (isConstant(right)) return boolOf(deep, beside(op, left.value, right.constant))
  const compare = comparator(op)
  return boolOf(deep, (record) => compare(left.value(record), right.value(record)))
}

/** Numbers and bigints compare exactly, whichever they are. */
function comparator(op: Order): (a: Value, b: Value) => boolean {
  if (op === '<') return (a, b) => a !== null && b !== null && a < b
  if (op === '<=') return (a, b) => a !== null && b !== null && a <= b
  if (op === '>') return (a, b) => a !== null && b !== null && a > b
  return (a, b) => a !== null && b !== null && a >= b
}

/** The usual case: a value of the record beside one that is known. */
function beside(op: Order, value: Expression['value'], bound: Value): (record: RecordView) => boolean {
  const compare = comparator(op)
  return (record) => compare(value(record), bound)
}

function byCodePoints(op: Order, left: Expression, right: Expression, deep: boolean): Expression {
  const compare = comparator(op)
  return boolOf(deep, (record) => {
    const [a, b] = [left.value(record), right.value(record)]
    return a !== null && b !== null && compare(orderOf(a as string, b as string), 0)
  })
}

/** Below, at or above 0, by code points: JavaScript's own order is that of UTF-16. */
function orderOf(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === length) return a.length - b.length
  const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)]
  const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xe000
  return isSurrogate(one) === isSurrogate(other) ? one - other : isSurrogate(one) ? 1 : -1
}

/** Longer lists of texts are looked up, not gone through. */
const MOST_COMPARED = 12

/** `in`. */
export function isIn(left: Expression, right: Expression, at: Spot): Expression {
  const { elements } = right
  if (elements === undefined)
    throw new CelProblem(`expected a list such as ["a", "b"] behind "in"${instead(left, right)}`, at)
  const texts = elements.map(({ constant }) => constant)
  if (
    left.type === 'string' &&
    elements.length > MOST_COMPARED &&
    texts.every((one) => typeof one === 'string')
  ) {
    const members: ReadonlySet<Value> = new Set(texts)
    return boolOf(left.deep, (record) => members.has(left.value(record)))
  }
  return anyOf(elements.map((element) => equal(left, element, at)))
}

function instead(left: Expression, right: Expression): string {
  if (right.type !== 'string') return ''
  if (right.key !== undefined) return `; of a text ask ${right.key}.contains("…")`
  return left.key === undefined ? '' : `; for one text write ${left.key} == "…"`
}

/** Whether any of several holds. */
export const anyOf = (all: readonly Expression[]): Expression => joined(all, true)

/** Whether all of several hold. */
export const allOf = (all: readonly Expression[]): Expression => joined(all, false)

/** Joined by `||` (what decides is true) or `&&` (what decides is false), as a tree that is no deeper than it must be. */
function joined(all: readonly Expression[], decisive: boolean): Expression {
  const open = all.filter((one) => one.constant !== !decisive)
  if (open.some((one) => one.constant === decisive)) return constantOf('bool', decisive)
  if (open.length === 0) return constantOf('bool', !decisive)
  if (open.length === 1) return open[0]!
  // What can be told from the head goes first: the rest of the record may not have to be walked. All of it is total, so
  // the order decides nothing else.
  const sorted = [...open.filter(({ deep }) => !deep), ...open.filter(({ deep }) => deep)]
  const join = boolOf(
    sorted.some(({ deep }) => deep),
    tree(sorted.map(testOf), decisive),
  )
  return decisive ? join : { ...join, conjuncts: sorted }
}

type TestRecord = (record: RecordView) => boolean

function tree(tests: readonly TestRecord[], decisive: boolean): TestRecord {
  if (tests.length === 1) return tests[0]!
  const middle = tests.length >> 1
  const first = tree(tests.slice(0, middle), decisive)
  const rest = tree(tests.slice(middle), decisive)
  return decisive ? (record) => first(record) || rest(record) : (record) => first(record) && rest(record)
}

function notComparable(left: Expression, right: Expression, at: Spot): CelProblem {
  return new CelProblem(`${nameOf(left)} cannot be compared with ${nameOf(right)}${advice(left, right)}`, at)
}

function advice(left: Expression, right: Expression): string {
  const [level, other] = left.type === 'level' ? [left, right] : [right, left]
  if (level.type !== 'level') {
    const time = [left, right].some(({ type }) => type === 'timestamp')
    return time ? '; write timestamp("2026-11-21T02:00:00Z")' : ''
  }
  const text = typeof other.constant === 'string' ? other.constant.toUpperCase() : ''
  if ((SEVERITIES as readonly string[]).includes(text)) return `; write ${text} without quotes`
  return other.key === 'error_severity' ? '; write level, or error_severity == "ERROR"' : ''
}
