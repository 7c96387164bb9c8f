import { Field } from '../codec/fields.ts'
import { didYouMean } from '../nearest.ts'
import { CONDITION_NAMES, codesNamed } from '../record/sqlstate.ts'
import { lookFor, type Test } from './needle.ts'

/** SQLSTATEs as a person names them. */

/** Which codes are meant: whole ones, or what they begin with. */
export type States = { readonly codes: readonly string[] } | { readonly prefix: string }

const CODE = /^[0-9A-Za-z]{5}$/
const CLASS = /^([0-9A-Za-z]{1,5})\*$/

/**
 * Reads `23505`, `23*` or `unique_violation`.
 *
 * @throws Error whose message says what was expected
 */
export function parseStates(text: string): States {
  const prefix = CLASS.exec(text)?.[1]
  if (prefix !== undefined) return { prefix: prefix.toUpperCase() }
  if (CODE.test(text)) return { codes: [text.toUpperCase()] }
  const name = text.toLowerCase()
  const codes = codesNamed(name)
  if (codes.length > 0) return { codes }
  const near = didYouMean(name, CONDITION_NAMES)
  throw new Error(
    `expected a code such as 23505, a class such as 23*, or a condition such as unique_violation, got ${JSON.stringify(text)}${near}`,
  )
}

/** Tests for the records of these states. */
export function testsOfStates(states: States): Test[] {
  if ('prefix' in states) return [lookFor('startsWith', states.prefix, Field.SQLState)]
  return states.codes.map((code) => lookFor('equals', code, Field.SQLState))
}
