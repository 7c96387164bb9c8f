import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FIELD_COUNT, FIELDS, Field } from '../../src/codec/fields.ts'
import { fieldValue, type LogFields } from '../../src/codec/log.ts'
import type { RecordView } from '../../src/record/view.ts'
import { PrototextEncoder } from '../../src/render/prototext.ts'
import { recordOf } from '../record/records.ts'
import { anyFields } from './arbitrary.ts'
import { encoded } from './encoded.ts'

const encoder = new PrototextEncoder()
const NAMES = FIELDS.slice(0, FIELD_COUNT[1]).map(([name]) => name)

type Parsed = Uint8Array | number | bigint | null

/** Reads a line back by the format's description alone: name, value, and the line's end, with nothing left over. */
function parseLine(line: string): Map<string, Parsed> {
  const fields = new Map<string, Parsed>()
  const form = /([A-Za-z0-9]+)=(NULL|\["((?:[^"\\]|\\.)*)"\]|"((?:[^"\\]|\\.)*)"|-?\d+)( |\n$)/gsy
  let end = 0
  for (const [all, name, value, nullable, text] of line.matchAll(form)) {
    end += all.length
    const quoted = nullable ?? text
    fields.set(name!, quoted !== undefined ? unquote(quoted) : value === 'NULL' ? null : BigInt(value!))
  }
  expect(end).toBe(line.length)
  return fields
}

const LETTERS: Readonly<Record<string, string>> = {
  ...{ '"': '"', '\\': '\\', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
}

/** The bytes that a quoted text stands for. */
function unquote(text: string): Uint8Array {
  const parts = text.match(/\\x..|\\u.{4}|\\U.{8}|\\.|[^\\]+/gsu) ?? []
  return Buffer.concat(
    parts.map((part) => {
      if (!part.startsWith('\\')) return Buffer.from(part)
      if (part[1] === 'x') return Buffer.of(Number.parseInt(part.slice(2), 16))
      if (/[uU]/.test(part[1]!)) return Buffer.from(String.fromCodePoint(Number.parseInt(part.slice(2), 16)))
      return Buffer.from(LETTERS[part[1]!]!)
    }),
  )
}

function expectReadBack(record: RecordView, expected: (field: number, raw: Uint8Array) => Uint8Array): void {
  const parsed = parseLine(encoded(encoder, record))
  expect([...parsed.keys()]).toEqual(NAMES)
  NAMES.forEach((name, field) => {
    const value = fieldValue(record.bytes, record.spans, field)
    const found = parsed.get(name)
    if (value === null) expect(found).toBeNull()
    else if (value instanceof Uint8Array) {
      expect(Buffer.compare(found as Uint8Array, expected(field, value))).toBe(0)
    } else expect(found).toBe(BigInt(value))
  })
}

const messageOf = (text: string | Uint8Array): string => {
  const line = encoded(encoder, recordOf({ ErrMessage: text }))
  return /ErrMessage=\["(.*)"\] ErrDetail/s.exec(line)![1]!
}

const EXAMPLE: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  UserName: 'etl',
  DatabaseName: 'shop',
  Pid: 3611,
  ClientAddr: '[local]',
  SessionId: '69a43c00.e1b',
  SeqNum: 9223372036854775807n,
  PsDisplay: 'SELECT',
  SessionStart: '2026-03-01 11:58:02 UTC',
  Vxid: '5/10231',
  Txid: -9223372036854775808n,
  ELevel: 15,
  SQLState: '00000',
  ErrMessage: 'say "hello"\nto C:\\',
  ApplicationName: '',
}

const EXAMPLE_LINE =
  'LogTime="2026-03-01 12:00:00.001 UTC" UserName=["etl"] DatabaseName=["shop"] Pid=3611 ClientAddr=["[local]"]' +
  ' SessionId="69a43c00.e1b" SeqNum=9223372036854775807 PsDisplay=["SELECT"] SessionStart="2026-03-01 11:58:02 UTC"' +
  ' Vxid=["5/10231"] Txid=-9223372036854775808 ELevel=15 SQLState=["00000"]' +
  ' ErrMessage=["say \\"hello\\"\\nto C:\\\\"] ErrDetail=NULL ErrHint=NULL InternalQuery=NULL InternalQueryPos=-1' +
  ' ErrContext=NULL UserQuery=NULL UserQueryPos=-1 FileErrPos=NULL ApplicationName=[""]\n'

describe('a record', () => {
  test.each([1, 2] as const)('is one line of 23 fields in logfebe-%d', (protocol) => {
    expect(encoded(encoder, recordOf(EXAMPLE, { protocol }))).toBe(EXAMPLE_LINE)
  })

  test('tells an absent field from an empty one', () => {
    const line = encoded(encoder, recordOf({ ErrDetail: null, ErrHint: '' }))
    expect(line).toContain(' ErrDetail=NULL ErrHint=[""] ')
    expect(line).toStartWith('LogTime="" UserName=NULL ')
  })

  test('keeps what stands in the buffer in front of it', () => {
    const record = recordOf(EXAMPLE)
    expect(encoded(encoder, record) + encoded(encoder, record)).toBe(EXAMPLE_LINE + EXAMPLE_LINE)
  })
})

// The right side is what Go's strconv.Quote makes of the left side's bytes.
const QUOTED: readonly (readonly [name: string, text: string | Uint8Array, quoted: string])[] = [
  ['quote and backslash', 'a"b\\c', 'a\\"b\\\\c'],
  ['controls with a letter', '\x07\b\t\n\v\f\r', '\\a\\b\\t\\n\\v\\f\\r'],
  ['controls without one', '\x01\x1b[2J\x1f\x7f', '\\x01\\x1b[2J\\x1f\\x7f'],
  ['ASCII at its edges', ' ~', ' ~'],
  ['letters and marks', 'héе́ж日本한', 'héе́ж日本한'],
  ['symbols and numbers', '€½→😀②', '€½→😀②'],
  ['controls above ASCII', '\u0080\u0085\u009b', '\\u0080\\u0085\\u009b'],
  ['spaces that are not the space', '\u00a0\u2003\u3000', '\\u00a0\\u2003\\u3000'],
  ['format characters', '\u00ad\u200b\u200d\u202e\u2066\ufeff', '\\u00ad\\u200b\\u200d\\u202e\\u2066\\ufeff'],
  ['line separators', '\u2028\u2029', '\\u2028\\u2029'],
  ['private use and unassigned', '\ue000\u0378\uffff', '\\ue000\\u0378\\uffff'],
  ['beyond the first plane', '\u{e0001}\u{10ffff}\u{f0000}', '\\U000e0001\\U0010ffff\\U000f0000'],
  ['the replacement character itself', '\ufffd', '\ufffd'],
  ['a lone byte', Buffer.from('a\xe9b', 'latin1'), 'a\\xe9b'],
  ['a sequence cut short', Uint8Array.of(0xe2, 0x82), '\\xe2\\x82'],
  ['a sequence cut short inside', Uint8Array.of(0xf0, 0x9f, 0x98, 0x41), '\\xf0\\x9f\\x98A'],
  ['overlong', Uint8Array.of(0xc0, 0xaf, 0xe0, 0x80, 0xaf), '\\xc0\\xaf\\xe0\\x80\\xaf'],
  ['a surrogate', Uint8Array.of(0xed, 0xa0, 0x80), '\\xed\\xa0\\x80'],
  ['past the last code point', Uint8Array.of(0xf4, 0x90, 0x80, 0x80), '\\xf4\\x90\\x80\\x80'],
]

describe('text', () => {
  test.each(QUOTED)('%s', (_, text, quoted) => {
    expect(messageOf(text)).toBe(quoted)
  })

  test.each(QUOTED)('%s, at every place in a word', (_, text, quoted) => {
    for (let before = 0; before < 8; before++) {
      for (let behind = 0; behind < 8; behind++) {
        const bytes = Buffer.concat([
          Buffer.alloc(before, 'x'),
          Buffer.from(text as Uint8Array),
          Buffer.alloc(behind, 'y'),
        ])
        expect(messageOf(bytes)).toBe('x'.repeat(before) + quoted + 'y'.repeat(behind))
      }
    }
  })

  test('of another encoding is shown as what it says', () => {
    const message = Buffer.from('d\xe9j\xe0 \x85', 'latin1')
    const line = encoded(encoder, recordOf({ ErrMessage: message, Encoding: 'LATIN1' }))
    expect(line).toContain(' ErrMessage=["déjà \\u0085"] ')
  })

  test('that grows the most stays in its room', () => {
    const nothingButControls = Buffer.alloc(100_000, 0x85)
    encoded(encoder, recordOf({ ErrMessage: nothingButControls, Encoding: 'LATIN1' }))
    encoded(encoder, recordOf({ ErrMessage: nothingButControls }))
  })
})

describe('read back', () => {
  test('any UTF-8 or broken text gives its bytes', () => {
    const property = fc.property(
      anyFields(fc.constant('UTF8')),
      fc.constantFrom(1, 2),
      (fields, protocol) => {
        expectReadBack(recordOf(fields, { protocol: protocol as 1 | 2 }), (_, raw) => raw)
      },
    )
    fc.assert(property, { numRuns: 400 })
  })

  test('any text of another encoding gives its decoding', () => {
    const encodings = fc.constantFrom('LATIN1', 'LATIN2', 'WIN1251', 'SJIS', 'GB18030', 'EUC_TW', 'nonsense')
    const property = fc.property(anyFields(encodings), (fields) => {
      const record = recordOf(fields)
      expectReadBack(record, (field) => Buffer.from(record.text(field)!))
    })
    fc.assert(property, { numRuns: 200 })
  })
})

test('the fields that are printed are the ones of logfebe-1', () => {
  expect(NAMES.at(-1)).toBe('ApplicationName')
  expect(Field.ApplicationName).toBe(22)
})
