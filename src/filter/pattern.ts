import { RE2JS, RE2JSException } from 're2js'
import type { RecordView } from '../record/view.ts'
import { nativePattern } from './native-pattern.ts'
import { asString, lookFor, type Test } from './needle.ts'
import { plainText, readPattern } from './pattern-syntax.ts'

/** What finds a pattern: a search for its text, the runtime's own engine, or RE2. None of them can be made to hang. */
export type Engine = 'text' | 'native' | 're2'

/** A regular expression in RE2's syntax. */
export interface Pattern {
  readonly source: string
  readonly engine: Engine
  /** Whether it is found anywhere in a text. */
  readonly found: (text: string) => boolean
  /** The text that it is, for the engine of that name. */
  readonly text?: string
}

/** Longest pattern; RE2 has bounds of its own for what a short one can mean. */
const MOST_LENGTH = 2000

/**
 * Compiles a regular expression.
 *
 * @throws Error whose message says what is wrong with it
 */
export function compilePattern(source: string): Pattern {
  if (source.length > MOST_LENGTH)
    throw new Error(`the regular expression has ${source.length} characters, ${MOST_LENGTH} are allowed`)
  const re2 = compileRe2(source)
  const syntax = readPattern(source)
  const text = syntax === undefined ? undefined : plainText(syntax)
  if (text !== undefined) return { source, text, engine: 'text', found: asString('contains', text) }
  const native = syntax === undefined ? undefined : nativePattern(syntax)
  if (native !== undefined) return { source, engine: 'native', found: (value) => native.test(value) }
  return { source, engine: 're2', found: (value) => isFound(re2, value) }
}

/** What the engine gives up on is not found: a record must never stop the ones behind it. */
function isFound(re2: RE2JS, text: string): boolean {
  try {
    return re2.test(text)
  } catch (error) {
    if (error instanceof RE2JSException) return false
    throw error
  }
}

function compileRe2(source: string): RE2JS {
  try {
    return RE2JS.compile(source)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new Error(`the regular expression cannot be read: ${reasonOf(error)}`)
  }
}

/** RE2's sentence without its own prefix. What it does not have is said here, as people try it. */
function reasonOf({ message, ...rest }: RE2JSException): string {
  const reason = message.replace(/^error parsing regexp: /, '')
  const { input } = rest as { input?: string | null }
  const looksAround = /^\(\?<?[=!]/.test(input ?? '') || /\(\?<?[=!]/.test(reason)
  const isReference = /^invalid escape sequence: `\\\d/.test(reason)
  return looksAround || isReference
    ? `${reason} (RE2 has no look-ahead, look-behind and back-references: it cannot be made to hang)`
    : reason
}

/** A test for records in which a text field holds a match. */
export function foundIn(pattern: Pattern, field: number): Test {
  const { found, text } = pattern
  if (text !== undefined) return lookFor('contains', text, field)
  const test = (record: RecordView): boolean => {
    const value = record.text(field)
    return value !== null && found(value)
  }
  return { deep: true, test }
}
