import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Field } from '../../src/codec/fields.ts'
import { asString, type Look, lookFor, searchFor } from '../../src/filter/needle.ts'
import { anyBytes } from '../codec/log-fields.ts'
import { recordOf } from '../record/records.ts'
import { REFERENCE_ENCODINGS } from '../record/reference.ts'

const LOOKS: readonly Look[] = ['equals', 'startsWith', 'endsWith', 'contains']
const some = fc.constantFrom(
  '',
  'a',
  'é',
  'aé',
  'Ą',
  '\ufffd',
  'A',
  '\\',
  '😀',
  '\ud800',
  'ab',
  'aab',
  '日本',
)

test('a field is compared as bytes, and the answer is that of its text', () => {
  const text = fc.oneof(
    fc.array(some, { maxLength: 5 }).map((parts) => parts.join('')),
    anyBytes,
  )
  const fields = fc.constantFrom(
    'UserName',
    'ErrMessage',
    'ApplicationName',
    'TableName',
  ) as fc.Arbitrary<'UserName'>
  fc.assert(
    fc.property(
      text,
      fields,
      fc.constantFrom(...REFERENCE_ENCODINGS),
      some,
      some,
      (value, name, Encoding, a, b) => {
        const record = recordOf({ [name]: value, Encoding })
        const decoded = record.text(Field[name])!
        for (const needle of [a + b, decoded, decoded.slice(1), decoded.slice(0, 2)]) {
          for (const look of LOOKS) {
            const expected = asString(look, needle)(decoded)
            expect({ look, needle, found: lookFor(look, needle, Field[name]).test(record) }).toEqual({
              look,
              needle,
              found: expected,
            })
          }
        }
      },
    ),
    { numRuns: 300, includeErrorInReport: true },
  )
})

test('an absent field is like nothing, also in a view that has seen another record', () => {
  for (const field of [Field.UserName, Field.ErrMessage, Field.TableName]) {
    for (const look of LOOKS) {
      expect(lookFor(look, '', field).test(recordOf({}))).toBe(false)
      expect(lookFor(look, '', field).test(recordOf({}, { protocol: 1 }))).toBe(false)
    }
  }
})

test('the search finds a needle wherever it is, and nowhere else', () => {
  const few = fc.uint8Array({ min: 1, max: 3, maxLength: 40 })
  fc.assert(
    fc.property(few, fc.uint8Array({ min: 1, max: 3, maxLength: 5 }), fc.nat(5), (bytes, needle, start) => {
      const from = Math.min(start, bytes.length)
      const expected = Buffer.from(bytes.subarray(from, bytes.length - 0)).indexOf(needle) >= 0
      expect(searchFor(needle)(bytes, from, bytes.length)).toBe(expected)
    }),
  )
  expect(searchFor(new Uint8Array([2]))(new Uint8Array([1, 2]), 0, 1)).toBe(false)
})
