import fc from 'fast-check'
import { SEVERITIES } from '../../src/codec/severity.ts'

/**
 * Arbitrary filter expressions. Each is a function of a record's own values, so that it can ask for pieces of what the
 * record holds, and would hardly ever be true otherwise.
 */

/** The values of a record by key; what is absent is not there. */
export type Values = Readonly<Record<string, unknown>>
export type Expression = (values: Values) => string

export const TEXT_KEYS = [
  ...['user', 'dbname', 'session_id', 'ps', 'vxid', 'message', 'detail', 'hint', 'context', 'statement'],
  ...[
    'application_name',
    'backend_type',
    'message_id',
    'table_name',
    'backtrace',
    'remote_host',
    'func_name',
  ],
  ...[
    'state_code',
    'sqlstate_class',
    'sqlstate_name',
    'file_name',
    'uid',
    'identity',
    'trace_id',
    'error_severity',
  ],
]
export const INT_KEYS = [
  ...['pid', 'line_num', 'txid', 'query_id', 'leader_pid', 'cursor_position', 'remote_port', 'file_line_num'],
  ...['original_bytes', 'seq', 'internal_position'],
]
export const DOUBLE_KEYS = ['duration_ms', 'parse_ms', 'bind_ms']

const fixed =
  (text: string): Expression =>
  () =>
    text

// Some decoders of the runtime make halves of characters, which no literal can hold.
const quoted = (text: string): string => JSON.stringify(text.toWellFormed())

/** A piece of one of the record's texts, or all of it. */
const ownText: fc.Arbitrary<Expression> = fc
  .record({ key: fc.constantFrom(...TEXT_KEYS), from: fc.nat(6), length: fc.nat(12) })
  .map(({ key, from, length }) => (values: Values) => {
    const characters = Array.from(String(values[key] ?? 'shop'))
    return quoted((length > 10 ? characters : characters.slice(from, from + length)).join(''))
  })

const ownInt: fc.Arbitrary<Expression> = fc
  .record({ key: fc.constantFrom(...INT_KEYS), more: fc.integer({ min: -1, max: 1 }) })
  .map(({ key, more }) => (values: Values) => {
    const value = BigInt.asIntN(64, ((values[key] as bigint | undefined) ?? 0n) + BigInt(more))
    // The parser cannot write the least int as a literal.
    return value === -(2n ** 63n) ? '0' : String(value)
  })

const textLiteral = fc.oneof(
  ownText,
  fc.constantFrom('""', '"shop"', '"é"', '"\ufffd"', '"23"', '"duration: "', '"a"', '"ERROR"').map(fixed),
)
const intLiteral = fc.oneof(ownInt, fc.constantFrom('0', '1', '5432', '9007199254740993').map(fixed))
const doubleLiteral = fc.constantFrom('0.0', '0.5', '250.0', '12.345').map(fixed)

const text: fc.Arbitrary<Expression> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TEXT_KEYS).map(fixed) },
  { weight: 1, arbitrary: textLiteral },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...TEXT_KEYS), textLiteral).map(
      ([key, literal]) =>
        (values: Values) =>
          `(${key} + ${literal(values)})`,
    ),
  },
)
// The evaluator knows the kinds of literals, and refuses to compare two kinds of them; keys are of any kind to it.
const number: fc.Arbitrary<Expression> = fc.oneof(
  fc.constantFrom(...INT_KEYS, ...DOUBLE_KEYS).map(fixed),
  fc.constantFrom('(pid + 7)', '(duration_ms * 2)', '(pid - file_line_num)', '(bind_ms + 1.5)').map(fixed),
)
const numberOrLiteral = fc.oneof(number, intLiteral, doubleLiteral)

const binary = (
  left: fc.Arbitrary<Expression>,
  ops: readonly string[],
  right: fc.Arbitrary<Expression>,
): fc.Arbitrary<Expression> =>
  fc.tuple(left, fc.constantFrom(...ops), right).map(
    ([a, op, b]) =>
      (values: Values) =>
        `(${a(values)} ${op} ${b(values)})`,
  )

const ORDERS = ['<', '<=', '>', '>=']
const severity = fc.constantFrom(...SEVERITIES).map(fixed)
const key = fc.constantFrom(...TEXT_KEYS, ...INT_KEYS, ...DOUBLE_KEYS)

/** Patterns that mean the same to RE2 and to JavaScript, of every kind of engine. */
const PATTERNS = ['shop', '^d', 'a.*b', '[0-9]+', '(a|b)c?$', 'duration: [0-9]{1,3}', '(x+x+)+y', '']

const atom: fc.Arbitrary<Expression> = fc.oneof(
  binary(text, ['==', '!='], fc.oneof(textLiteral, text)),
  fc.tuple(text, fc.constantFrom('contains', 'startsWith', 'endsWith'), fc.oneof(textLiteral, text)).map(
    ([a, method, b]) =>
      (values: Values) =>
        `${a(values)}.${method}(${b(values)})`,
  ),
  fc
    .tuple(fc.constantFrom(...TEXT_KEYS), fc.constantFrom(...PATTERNS))
    .map(([name, pattern]) => fixed(`${name}.matches(${quoted(pattern)})`)),
  binary(number, ['==', '!=', ...ORDERS], numberOrLiteral),
  binary(fc.constant(fixed('level')), ['==', '!=', ...ORDERS], severity),
  fc.tuple(fc.constantFrom(...TEXT_KEYS), fc.array(textLiteral, { maxLength: 15 })).map(
    ([name, list]) =>
      (values: Values) =>
        `(${name} in [${list.map((one) => one(values)).join(', ')}])`,
  ),
  fc.tuple(key, fc.constantFrom('==', '!=')).map(([name, op]) => fixed(`(${name} ${op} null)`)),
  fc.tuple(fc.constantFrom('exists', 'all', 'exists_one'), text, fc.array(textLiteral, { maxLength: 4 })).map(
    ([macro, of, list]) =>
      (values: Values) =>
        `[${list.map((one) => one(values)).join(', ')}].${macro}(x, ${of(values)}.contains(x))`,
  ),
  fc.constantFrom('truncated', 'true', 'false').map(fixed),
)

/** Expressions that are true or false. */
export const anyExpression: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    tie('any').map((one) => (values: Values) => `!${one(values)}`),
    binary(tie('any'), ['&&', '||'], tie('any')),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(
      ([a, b, c]) =>
        (values: Values) =>
          `(${a(values)} ? ${b(values)} : ${c(values)})`,
    ),
  ),
})).any
