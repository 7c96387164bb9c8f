import { SEVERITIES } from '../../codec/severity.ts'
import { didYouMean } from '../../nearest.ts'
import type { RecordView } from '../../record/view.ts'
import { asString, type Look, lookFor } from '../needle.ts'
import { compilePattern, foundIn, type Pattern } from '../pattern.ts'
import { type Failed, known } from './arithmetic.ts'
import {
  boolOf,
  constantOf,
  type Expression,
  intOf,
  isConstant,
  nameOf,
  type Type,
  type Value,
} from './expression.ts'
import { CelProblem } from './problem.ts'
import { TIME_METHODS, timeLiteral, timePart } from './time.ts'

/** Functions and methods. A test of something absent is false; whatever else is made of it is absent, too. */

/** A call with its parts compiled. */
export interface Call {
  readonly name: string
  /** What stands in front of the point; undefined for a function. */
  readonly receiver: Expression | undefined
  readonly args: readonly Expression[]
  readonly at: { readonly start: number; readonly end: number }
  readonly failed: Failed
  /** Told of every pattern. */
  readonly pattern: (pattern: Pattern) => void
}

const LOOKS: ReadonlySet<string> = new Set<Look>(['startsWith', 'endsWith', 'contains'])
const CONVERSIONS = ['string', 'int', 'double', 'timestamp', 'duration']
function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

const TEXT_METHODS: Readonly<Record<string, { type: Type; of: (text: string) => Value }>> = {
  size: { type: 'int', of: codePoints },
  lowerAscii: { type: 'string', of: (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) },
  upperAscii: { type: 'string', of: (text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) },
  trim: { type: 'string', of: (text) => text.trim() },
}

const METHODS = [
  ...LOOKS,
  'matches',
  ...Object.keys(TEXT_METHODS),
  ...TIME_METHODS,
  'exists',
  'all',
  'exists_one',
]
const FUNCTIONS = ['has', 'size', 'matches', ...CONVERSIONS]

/** Everything that can be called, but macros. */
export function compileCall(call: Call): Expression {
  const { name, receiver, args } = call
  if (receiver === undefined) return compileFunction(call)
  if (LOOKS.has(name)) return look(call, receiver)
  if (name === 'matches') return matches(call, receiver, one(call, args))
  if (TIME_METHODS.includes(name)) return timeMethod(call, receiver)
  const method = Object.hasOwn(TEXT_METHODS, name) ? TEXT_METHODS[name] : undefined
  if (method === undefined) throw unknown(call, METHODS, 'method')
  if (args.length > 0) throw new CelProblem(`${name}() takes nothing between its parentheses`, call.at)
  return mapped(textOf(call, receiver), method.type, method.of as (value: Value) => Value, call)
}

function compileFunction(call: Call): Expression {
  const { name, args } = call
  if (name === 'size') {
    const only = one(call, args)
    if (only.elements !== undefined) return constantOf('int', only.elements.length)
    return compileCall({ ...call, receiver: only, args: [] })
  }
  if (name === 'matches' && args.length === 2) return matches(call, args[0]!, args[1]!)
  if (name === 'timestamp' || name === 'duration') {
    const example = name === 'timestamp' ? '2026-11-21T02:00:00Z' : '5m'
    const problem = new CelProblem(`expected ${name}("…") with a text such as "${example}"`, call.at)
    return timeLiteral(name, one(call, args), problem)
  }
  if (name === 'string' || name === 'int' || name === 'double') return convert(name, one(call, args), call)
  throw unknown(call, FUNCTIONS, 'function')
}

function unknown({ name, at, receiver }: Call, names: readonly string[], what: string): CelProblem {
  const other = receiver === undefined ? METHODS : FUNCTIONS
  const swapped = other.includes(name)
    ? `; write ${receiver === undefined ? `x.${name}(…)` : `${name}(x)`}`
    : didYouMean(name, names) || `; there are ${names.join(', ')}`
  return new CelProblem(`${name}: there is no such ${what}${swapped}`, at)
}

function one({ name, at }: Call, args: readonly Expression[]): Expression {
  if (args.length === 1) return args[0]!
  throw new CelProblem(`${name}() takes one value between its parentheses, not ${args.length}`, at)
}

function textOf({ name, at }: Call, text: Expression): Expression {
  if (text.type === 'string') return text
  throw new CelProblem(`${name}() is for texts, and this is ${nameOf(text)}`, at)
}

function look(call: Call, receiver: Expression): Expression {
  const text = textOf(call, receiver)
  const sought = textOf(call, one(call, call.args))
  const kind = call.name as Look
  if (typeof sought.constant === 'string' && text.field !== undefined) {
    const { deep, test } = lookFor(kind, sought.constant, text.field)
    return boolOf(deep, test)
  }
  const compare = (value: Value, other: Value): boolean =>
    value !== null && other !== null && asString(kind, other as string)(value as string)
  if (isConstant(text) && isConstant(sought))
    return constantOf('bool', compare(text.constant, sought.constant))
  return boolOf(text.deep || sought.deep, (record) => compare(text.value(record), sought.value(record)))
}

function matches(call: Call, receiver: Expression, source: Expression): Expression {
  const text = textOf(call, receiver)
  if (typeof source.constant !== 'string')
    throw new CelProblem('matches() takes a regular expression in quotes', call.at)
  const pattern = patternOf(call, source.constant)
  call.pattern(pattern)
  if (text.field !== undefined) {
    const { deep, test } = foundIn(pattern, text.field)
    return boolOf(deep, test)
  }
  const found = (value: Value): boolean => value !== null && pattern.found(value as string)
  if (isConstant(text)) return constantOf('bool', found(text.constant))
  return boolOf(text.deep, (record: RecordView) => found(text.value(record)))
}

function patternOf({ at }: Call, source: string): Pattern {
  try {
    return compilePattern(source)
  } catch (error) {
    throw new CelProblem((error as Error).message, at)
  }
}

function timeMethod(call: Call, receiver: Expression): Expression {
  if (receiver.type !== 'timestamp')
    throw new CelProblem(`${call.name}() is for times, and this is ${nameOf(receiver)}`, call.at)
  if (call.args.length > 1) throw new CelProblem(`${call.name}() takes a time zone at the most`, call.at)
  return timePart(call.name, receiver, call.args[0], call.at)
}

/** A value made of one other value. */
function mapped(
  from: Expression,
  type: Type,
  of: (value: Value) => Value,
  { at }: Pick<Call, 'at'>,
): Expression {
  if (isConstant(from)) return known(type, of(from.constant), at)
  return {
    type,
    deep: from.deep,
    value: (record) => {
      const value = from.value(record)
      return value === null ? null : of(value)
    },
  }
}

function convert(to: 'string' | 'int' | 'double', from: Expression, call: Call): Expression {
  if (from.type === to) return from
  const kinds = `${from.type} to ${to}`
  const of = conversions(call.failed)[kinds]
  if (of === undefined)
    throw new CelProblem(`${nameOf(from)} cannot be made ${to === 'int' ? 'an' : 'a'} ${to}`, call.at)
  return mapped(from, to, of, call)
}

const conversions = (failed: Failed): Readonly<Record<string, (value: Value) => Value>> => ({
  'int to string': String,
  'double to string': String,
  'bool to string': String,
  'level to string': (rank) => SEVERITIES[rank as number]!,
  'string to int': (text) => intFrom(text as string) ?? failed('int() of a text that is none'),
  'double to int': (value) => intFromDouble(value as number) ?? failed('int() of a double that is too large'),
  'string to double': (text) => doubleFrom(text as string) ?? failed('double() of a text that is none'),
  'int to double': Number,
})

function intFrom(text: string): number | bigint | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text.replace('+', ''))
  return value === BigInt.asIntN(64, value) ? intOf(value) : undefined
}

function intFromDouble(value: number): number | bigint | undefined {
  const whole = Math.trunc(value)
  return Math.abs(whole) < 2 ** 63 ? intOf(BigInt(whole)) : undefined
}

function doubleFrom(text: string): number | undefined {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
