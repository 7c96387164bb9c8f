import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FIELD_COUNT, FIELDS, Field } from '../../src/codec/fields.ts'
import { CUT_MARK, cutText, cutTexts, recodeToUtf8 } from '../../src/record/recode.ts'
import { recordOf } from './records.ts'

describe('recodeToUtf8', () => {
  const original = recordOf(
    {
      LogTime: '2026-03-01 12:00:00.001 UTC',
      UserName: Uint8Array.of(0xf6),
      DatabaseName: null,
      ApplicationName: '',
      Pid: -5,
      SeqNum: 2n ** 62n,
      QueryId: -(2n ** 63n),
      ErrMessage: Uint8Array.of(0x61, 0xe9, 0x80),
      Encoding: 'LATIN1',
    },
    { sequence: 7n, bootId: 1n },
  )
  original.sequenceOffset = 3
  const recoded = recodeToUtf8(original)

  test('text is UTF-8 and says so', () => {
    expect(recoded.encoding()).toBe('UTF8')
    expect(recoded.isUtf8()).toBe(true)
    expect([...recoded.raw(Field.UserName)!]).toEqual([0xc3, 0xb6])
    expect(recoded.text(Field.ErrMessage)).toBe('aé\u0080')
  })

  test('every field reads as before', () => {
    for (let field = 0; field < FIELD_COUNT[2]; field++) {
      const [name, kind] = FIELDS[field]!
      expect(recoded.has(field)).toBe(original.has(field))
      if (kind === 'int32') expect(recoded.int32(field)).toBe(original.int32(field))
      else if (kind === 'int64') expect(recoded.int64(field)).toBe(original.int64(field))
      else if (name !== 'Encoding') expect(recoded.text(field)).toBe(original.text(field))
    }
  })

  test('it is the same record of the same source', () => {
    expect(recoded.source).toBe(original.source)
    expect(recoded.sequence).toBe(10n)
  })

  test('the original is untouched', () => {
    expect(original.encoding()).toBe('LATIN1')
    expect([...original.raw(Field.UserName)!]).toEqual([0xf6])
  })
})

describe('cutText', () => {
  const text = fc.string({ unit: 'grapheme-composite', maxLength: 200 })

  test('leaves what is short enough, and makes of the rest its beginning and a mark', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 14, max: 300 }), (given, most) => {
        const cut = cutText(given, most)
        if (Buffer.byteLength(given) <= most) return expect(cut).toBe(given)
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(most)
        expect(cut).toEndWith(CUT_MARK)
        // Whole characters, and as many as there is room for.
        expect(given).toStartWith(cut.slice(0, -CUT_MARK.length))
        expect(Buffer.byteLength(cut)).toBeGreaterThan(most - 4)
      }),
    )
  })
})

describe('cutTexts', () => {
  test.each([1, 2] as const)('cuts long texts alone (logfebe-%p)', (protocol) => {
    const fields = { LogTime: 'now', ErrMessage: 'm'.repeat(1000), ErrDetail: '', UserQuery: null, Pid: 7 }
    const cut = cutTexts(recordOf({ ...fields, Encoding: 'UTF8' }, { protocol }), 100)
    expect(cut.text(Field.ErrMessage)).toBe(`${'m'.repeat(86)}${CUT_MARK}`)
    expect([cut.text(Field.LogTime), cut.text(Field.ErrDetail), cut.text(Field.UserQuery)]).toEqual([
      'now',
      '',
      null,
    ])
    expect(cut.int32(Field.Pid)).toBe(7)
  })
})
