import fc from 'fast-check'
import { FIELDS } from '../../src/codec/fields.ts'
import type { LogFields } from '../../src/codec/log.ts'

/** Bytes as a hostile client may put them into a log: anything but NUL, with what renderers trip over close at hand. */

const withoutNul = (bytes: Uint8Array): Uint8Array => bytes.filter((byte) => byte !== 0)

const TROUBLE = [
  ...[
    '"',
    '\\',
    '\n',
    '\r\n',
    '\t',
    '\x1b[2J',
    '\x07',
    '\x7f',
    '\u0085',
    '\u009b',
    '\u202e',
    '\u2066',
    '\u200b',
  ],
  ...[
    '\ufeff',
    '\u2028',
    '\u{e0041}',
    '\u{1f600}',
    '日本',
    'é',
    '\ufffd',
    '\u00ad',
    'a'.repeat(80),
    '\n'.repeat(70),
  ],
  ...['duration: 1234.567 ms  statement: ', 'duration: 250.000 ms'],
].map((text) => new TextEncoder().encode(text))

const broken = [[0xff], [0xc2], [0xe2, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xc0, 0x80]]

const chunk = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...TROUBLE, ...broken.map((bytes) => Uint8Array.from(bytes))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map(withoutNul) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map((text) => withoutNul(Buffer.from(text))),
  },
)

/** Text of a field. */
export const textBytes: fc.Arbitrary<Uint8Array> = fc
  .array(chunk, { maxLength: 12 })
  .map((chunks) => Uint8Array.from(Buffer.concat(chunks)))

const textOf = { string: textBytes, nullable: fc.option(textBytes) }

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const position = fc.integer({ min: -1, max: 60 })

/** Every field of a record; `encoding` is the name that logfebe-2 carries. */
export function anyFields(encoding: fc.Arbitrary<string>): fc.Arbitrary<LogFields> {
  const fields = FIELDS.map(([name, kind]) => {
    if (name === 'Encoding') return [name, encoding]
    if (name.endsWith('QueryPos')) return [name, fc.oneof(position, int32)]
    if (name === 'ELevel') return [name, fc.oneof(fc.integer({ min: 10, max: 23 }), int32)]
    return [name, kind === 'int32' ? int32 : kind === 'int64' ? int64 : textOf[kind]]
  })
  return fc.record(Object.fromEntries(fields)) as fc.Arbitrary<LogFields>
}
