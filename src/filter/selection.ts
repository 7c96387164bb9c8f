import { Field } from '../codec/fields.ts'
import { LOG_RANK } from '../codec/severity.ts'
import { timeMicros } from '../record/log-time.ts'
import type { RecordView } from '../record/view.ts'
import { compileCel } from './cel/filter.ts'
import { millisOf } from './cel/keys.ts'
import { lookFor, type Test } from './needle.ts'
import { compilePattern, foundIn } from './pattern.ts'
import { parseStates, testsOfStates } from './sqlstate.ts'

/** What records are chosen by. A record is wanted when it fits everything that is given; of a list, one is enough. */
export interface Selection {
  /** Index into SEVERITIES: the least severity. */
  readonly level?: number | undefined
  /** Leave out LOG. */
  readonly noLogLevel?: boolean | undefined
  /** Database names. */
  readonly db?: readonly string[] | undefined
  /** User names. */
  readonly user?: readonly string[] | undefined
  /** Application names. */
  readonly app?: readonly string[] | undefined
  /** Codes, classes or condition names: see parseStates. */
  readonly sqlstate?: readonly string[] | undefined
  readonly pid?: readonly number[] | undefined
  /** Session ids. */
  readonly session?: readonly string[] | undefined
  /** Least duration, in milliseconds. */
  readonly slow?: number | undefined
  /** A regular expression that is found in one of the texts. */
  readonly grep?: string | undefined
  /** An expression: see compileCel. */
  readonly filter?: string | undefined
  /** Microseconds since 1970: the first that is wanted. */
  readonly since?: number | undefined
  /** Microseconds since 1970: the first that is no more wanted. */
  readonly until?: number | undefined
}

/** Texts that `grep` looks into. */
export const GREP_FIELDS: readonly number[] = [
  Field.ErrMessage,
  Field.ErrDetail,
  Field.ErrHint,
  Field.ErrContext,
  Field.UserQuery,
  Field.InternalQuery,
]

/**
 * A test for the records of a selection; the head of a record has been walked when it is asked. A record that cannot be
 * walked any further than that is wanted, so that whoever takes it finds the damage.
 *
 * @param told of the first value that the filter expression cannot compute
 * @returns undefined when every record is wanted, at no cost
 * @throws Error when a text of the selection cannot be read; options have been judged before
 */
export function compileSelection(
  selection: Selection,
  told?: (reason: string) => void,
): ((record: RecordView) => boolean) | undefined {
  const tests = [
    ...severityTests(selection),
    ...whoTests(selection),
    ...whatTests(selection),
    ...(selection.filter === undefined ? [] : compileCel(selection.filter, told).conjuncts),
  ]
  const head = allOf(tests.filter(({ deep }) => !deep))
  const rest = allOf(tests.filter(({ deep }) => deep))
  if (rest === undefined) return head
  if (head === undefined) return (record) => !record.walk() || rest(record)
  return (record) => head(record) && (!record.walk() || rest(record))
}

type TestRecord = Test['test']

const headTest = (test: TestRecord): Test => ({ deep: false, test })
const deepTest = (test: TestRecord): Test => ({ deep: true, test })

function severityTests({ level = 0, noLogLevel = false }: Selection): Test[] {
  return [
    ...(level > 0 ? [headTest((record) => record.severityRank() >= level)] : []),
    ...(noLogLevel && level <= LOG_RANK ? [headTest((record) => record.severityRank() !== LOG_RANK)] : []),
  ]
}

function whoTests({ db, user, app, session, pid }: Selection): Test[] {
  const oneOf = (texts: readonly string[] | undefined, field: number): Test[] =>
    anyOf(texts?.map((text) => lookFor('equals', text, field)))
  const pids = new Set(pid)
  return [
    ...oneOf(db, Field.DatabaseName),
    ...oneOf(user, Field.UserName),
    ...oneOf(session, Field.SessionId),
    ...(pids.size > 0 ? [headTest((record) => pids.has(record.int32(Field.Pid)))] : []),
    ...oneOf(app, Field.ApplicationName),
  ]
}

function whatTests({ sqlstate, slow, grep, since, until }: Selection): Test[] {
  return [
    ...anyOf(sqlstate?.flatMap((text) => testsOfStates(parseStates(text)))),
    ...periodTests(since, until),
    ...(slow === undefined ? [] : [deepTest((record) => (millisOf(record) ?? -1) >= slow)]),
    ...anyOf(grep === undefined ? [] : grepTests(grep)),
  ]
}

function grepTests(grep: string): Test[] {
  const pattern = compilePattern(grep)
  return GREP_FIELDS.map((field) => foundIn(pattern, field))
}

/** A record that does not say its time is wanted: it may be what is looked for. */
function periodTests(since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY): Test[] {
  if (since === Number.NEGATIVE_INFINITY && until === Number.POSITIVE_INFINITY) return []
  const test = (record: RecordView): boolean => {
    const time = timeMicros(record)
    return time === undefined || (time >= since && time < until)
  }
  return [deepTest(test)]
}

/** One test that asks for any of several; none when nothing was given. */
function anyOf(tests: readonly Test[] | undefined): Test[] {
  if (tests === undefined || tests.length === 0) return []
  if (tests.length === 1) return [tests[0]!]
  const all = tests.map(({ test }) => test)
  const test = (record: RecordView): boolean => {
    for (const one of all) if (one(record)) return true
    return false
  }
  return [{ deep: tests.some(({ deep }) => deep), test }]
}

function allOf(tests: readonly Test[]): TestRecord | undefined {
  return tests
    .map(({ test }) => test)
    .reduce<TestRecord | undefined>(
      (first, second) => (first === undefined ? second : (record) => first(record) && second(record)),
      undefined,
    )
}
