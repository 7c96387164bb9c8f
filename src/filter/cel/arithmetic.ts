import {
  constantOf,
  type Expression,
  intOf,
  isConstant,
  isNumber,
  nameOf,
  type Type,
  type Value,
} from './expression.ts'
import { CelProblem } from './problem.ts'

/**
 * Arithmetic. It is exact for ints, whatever their size; what has no result (a division by zero, an int beyond 64 bits)
 * is absent, and so is what is made of something absent.
 */

/** Told of every value that could not be computed. */
export type Failed = (reason: string) => null

interface Spot {
  readonly start: number
  readonly end: number
}

export type Operator = '+' | '-' | '*' | '/' | '%'

type Compute = (a: Value, b: Value) => Value

export function arithmetic(
  op: Operator,
  left: Expression,
  right: Expression,
  at: Spot,
  failed: Failed,
): Expression {
  const found = computation(op, left, right, failed)
  if (found === undefined) {
    throw new CelProblem(`${nameOf(left)} ${op} ${nameOf(right)}: there is no such operation`, at)
  }
  const { type, compute } = found
  const total = (a: Value, b: Value): Value => (a === null || b === null ? null : compute(a, b))
  if (isConstant(left) && isConstant(right)) return known(type, total(left.constant, right.constant), at)
  return {
    type,
    deep: left.deep || right.deep,
    value: (record) => total(left.value(record), right.value(record)),
  }
}

function computation(
  op: Operator,
  left: Expression,
  right: Expression,
  failed: Failed,
): { type: Type; compute: Compute } | undefined {
  const kinds = `${left.type} ${op} ${right.type}`
  if (kinds === 'string + string') return { type: 'string', compute: (a, b) => `${a}${b}` }
  if (left.type === 'int' && right.type === 'int')
    return { type: 'int', compute: (a, b) => ofInts(op, a as Int, b as Int, failed) }
  if (isNumber(left) && isNumber(right) && op !== '%')
    return { type: 'double', compute: (a, b) => ofDoubles(op, Number(a), Number(b), failed) }
  const type = TIMES[kinds]
  if (type === undefined) return undefined
  return { type, compute: op === '+' ? (a, b) => Number(a) + Number(b) : (a, b) => Number(a) - Number(b) }
}

const TIMES: Readonly<Record<string, Type>> = {
  'timestamp - timestamp': 'duration',
  'timestamp - duration': 'timestamp',
  'timestamp + duration': 'timestamp',
  'duration + timestamp': 'timestamp',
  'duration + duration': 'duration',
  'duration - duration': 'duration',
}

type Int = number | bigint

const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

function ofInts(op: Operator, a: Int, b: Int, failed: Failed): Value {
  if (typeof a === 'number' && typeof b === 'number' && op !== '/' && op !== '%') {
    const result = op === '+' ? a + b : op === '-' ? a - b : a * b
    // Minus zero is no int.
    if (Number.isSafeInteger(result)) return result + 0
  }
  return ofBigints(op, BigInt(a), BigInt(b), failed)
}

function ofBigints(op: Operator, a: bigint, b: bigint, failed: Failed): Value {
  if ((op === '/' || op === '%') && b === 0n) return failed('division by zero')
  const result = op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : op === '/' ? a / b : a % b
  return result < LEAST || result > MOST ? failed('an int beyond 64 bits') : intOf(result)
}

function ofDoubles(op: Operator, a: number, b: number, failed: Failed): Value {
  const result = op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : a / b
  return Number.isFinite(result) ? result : failed('a division by zero, or a double without bounds')
}

/** `-x`. */
export function negative(one: Expression, at: Spot, failed: Failed): Expression {
  if (!isNumber(one) && one.type !== 'duration')
    throw new CelProblem(`-${nameOf(one)}: there is no such operation`, at)
  if (one.type === 'int') return arithmetic('-', constantOf('int', 0), one, at, failed)
  const negate = (value: Value): Value => (value === null ? null : -value)
  if (isConstant(one)) return constantOf(one.type, negate(one.constant))
  return { type: one.type, deep: one.deep, value: (record) => negate(one.value(record)) }
}

/** A value that is known before any record; what cannot be computed is refused there and then. */
export function known(type: Type, value: Value, at: Spot): Expression {
  if (value === null) throw new CelProblem('this has no value', at)
  return constantOf(type, value)
}
