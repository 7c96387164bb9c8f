import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { elevelOf } from '../../src/codec/severity.ts'
import { PrettyEncoder } from '../../src/render/pretty.ts'
import { recordOf } from '../record/records.ts'
import { anyFields } from './arbitrary.ts'
import { encoded } from './encoded.ts'
import { BASE, COLOR, MONOCHROME, pretty } from './pretty-text.ts'

describe('whatever the bytes', () => {
  // Everything that the palette can write, and nothing else.
  const OWN_SEQUENCES = /\x1b\[(?:1|2|22|31|33|34|36|37|39|41|49)m/g
  const UNSAFE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/
  const encodings = fc.constantFrom('UTF8', 'LATIN1', 'SJIS', 'WIN1251', 'GB18030', 'nonsense')
  const severity = fc.constantFrom('LOG' as const, 'WARNING' as const, 'FATAL' as const)

  test('no control reaches the terminal, and no line begins like a headline', () => {
    const surroundings = fc.record({ protocol: fc.constantFrom(1 as const, 2 as const) })
    const property = fc.property(
      anyFields(encodings),
      surroundings,
      fc.boolean(),
      (fields, around, valid) => {
        const LogTime = valid ? BASE.LogTime! : fields.LogTime!
        const record = recordOf({ ...fields, LogTime }, around)
        const plain = encoded(new PrettyEncoder(MONOCHROME), record)
        const painted = encoded(new PrettyEncoder(COLOR), record)
        expect(plain).not.toMatch(UNSAFE)
        expect(painted.replace(OWN_SEQUENCES, '')).toBe(plain)
        const lines = plain.split('\n')
        expect(lines.pop()).toBe('')
        for (const line of lines.slice(lines[0]!.startsWith('── ') ? 2 : 1)) expect(line).toStartWith('    ')
      },
    )
    const kept = { ErrDetail: Buffer.from('\u2065'), Encoding: 'UTF8' }
    expect(pretty(kept, MONOCHROME)).not.toMatch(UNSAFE)
    fc.assert(property, { numRuns: 1000 })
  })

  test('long texts stay in their room', () => {
    const pieces = fc.constantFrom('\u202e', '\n', 'x', '\t\n', '日', '\x1b')
    const property = fc.property(
      pieces,
      fc.integer({ min: 0, max: 60_000 }),
      severity,
      (piece, count, name) => {
        const text = piece.repeat(count)
        const texts = { ErrMessage: text, ErrDetail: text, ErrHint: text, ErrContext: text, UserName: text }
        const statements = {
          UserQuery: text,
          InternalQuery: text,
          UserQueryPos: count >> 1,
          InternalQueryPos: 1,
        }
        pretty({ ...texts, ...statements, ELevel: elevelOf(15, name) }, COLOR)
      },
    )
    fc.assert(property, { numRuns: 60 })
  })
})
