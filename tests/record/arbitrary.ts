import fc from 'fast-check'
import type { LogFields } from '../../src/codec/log.ts'
import { anyBytes, anyLogFields } from '../codec/log-fields.ts'
import durations from '../fixtures/durations.json' with { type: 'json' }
import { REFERENCE_ENCODINGS } from './reference.ts'

/** Arbitrary records whose texts often have a meaning, and often nearly have one. */

/** Texts put together from pieces, so that the borders of what a field may hold are met often. */
const from = (...pieces: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...pieces), { maxLength: 9 }).map((chosen) => chosen.join(''))

const address = from(
  ':',
  '::',
  ':5432',
  ':0',
  ':65536',
  '.',
  '127.0.0.1',
  'fe80',
  '1',
  'db8',
  '[local]',
  '%eth0',
)
const filePosition = from(
  ', ',
  ',',
  ':',
  'f',
  'op()(int, char)',
  'C:\\x.c',
  'x.c',
  ':12',
  ':0',
  ':1234567890',
)
const formats = Object.values(durations).flatMap((catalogue) => Object.values(catalogue))
const number = fc.oneof(
  fc.nat().map((value) => `${value}.${String(value % 1000).padStart(3, '0')}`),
  fc.constantFrom('0.000', '00.100', '1.5', '12', '12.3456', '1234567890123456.000', 'x'),
)
const durationMessage = fc
  .tuple(fc.constantFrom(...formats), number, fc.constantFrom('<unnamed>', '/*x*/', 'S_1'))
  .map(([format, value, word]) => format.replace('%s', value).replaceAll(/%[su]/g, word))
const traceParent = from(
  ...['/*', '*/', '/', '*', ' ', 'traceparent', '=', ':', "'", '00-', 'ff-', '-01', '-', 'a'],
  ...['0af7651916cd43dd8448eb211c80319c', '-b7ad6b7169203331', '00000000000000000000000000000000'],
  "/*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/",
)
const sqlstate = fc.constantFrom('00000', '23505', '57014', 'ZZ999', '', '2350', '235051', '\u0001"\\x\u001f')
const messageId = fc.constantFrom(
  ...['duration: %s ms', 'duration: %s ms  parse %s: %s', 'duration: %s ms  bind %s%s%s: %s', 'duration: '],
  'checkpoint complete: %s',
)

const nullable = (texts: fc.Arbitrary<string>): fc.Arbitrary<string | Uint8Array | null> =>
  fc.option(fc.oneof(texts, anyBytes))

/** Fields of arbitrary records of a protocol. */
export function anyRecordFields(protocol: 1 | 2): fc.Arbitrary<LogFields> {
  const both = {
    ClientAddr: nullable(address),
    ELevel: fc.integer({ min: -1, max: 33 }),
    SQLState: nullable(sqlstate),
    ErrMessage: nullable(fc.oneof(durationMessage, traceParent)),
    UserQuery: nullable(traceParent),
    FileErrPos: nullable(filePosition),
  }
  if (protocol === 1) return anyLogFields(1, both)
  return anyLogFields(2, {
    ...both,
    MessageId: nullable(messageId),
    Encoding: fc.constantFrom(...REFERENCE_ENCODINGS),
    Flags: fc.constantFrom(0, 1, 2, 3, -1),
  })
}
