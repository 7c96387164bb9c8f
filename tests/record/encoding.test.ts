import { describe, expect, test } from 'bun:test'
import { decoderOf, decodeUtf8, isUtf8 } from '../../src/record/encoding.ts'
import encodings from '../fixtures/encodings.json' with { type: 'json' }

const decode = (encoding: string, ...bytes: number[]): string => decoderOf(encoding)(Uint8Array.from(bytes))

/** Two box-drawing characters that later tables of KOI8-U gave to Belarusian letters. */
const EXCEPTIONS: Readonly<Record<string, readonly number[]>> = { KOI8U: [0xae, 0xbe] }

describe.each(Object.entries(encodings))('%s', (encoding, upper) => {
  const pairs = Array.from(upper, (character, i) => [0x80 + i, character] as const)

  test('every byte that the server takes means what it means to the server', () => {
    expect(pairs).toHaveLength(128)
    for (const [byte, character] of pairs) {
      if (character === '\ufffd' || EXCEPTIONS[encoding]?.includes(byte)) continue
      expect([byte, decode(encoding, byte)]).toEqual([byte, character])
    }
  })

  test('ASCII stays', () => {
    for (let byte = 1; byte < 128; byte++) expect(decode(encoding, byte)).toBe(String.fromCharCode(byte))
  })
})

describe('several bytes a character', () => {
  test.each([
    ['EUC_JP', [0xb4, 0xfc, 0xb4, 0xd6, 0x3a], '期間:'],
    ['EUC_JIS_2004', [0xb4, 0xfc, 0xb4, 0xd6], '期間'],
    ['SJIS', [0x8a, 0xfa, 0x8a, 0xd4, 0x5c, 0xb6], '期間\\ｶ'],
    ['SHIFT_JIS_2004', [0x8a, 0xfa], '期'],
    ['EUC_CN', [0xba, 0xc4, 0xca, 0xb1], '耗时'],
    ['GBK', [0xba, 0xc4], '耗'],
    ['GB18030', [0x81, 0x30, 0x81, 0x30, 0xba, 0xc4], '\u0080耗'],
    ['EUC_KR', [0xbd, 0xc3, 0xb0, 0xa3], '시간'],
    ['UHC', [0x8c, 0x63], '똠'],
    ['BIG5', [0xab, 0xf9, 0xc4, 0xf2], '持續'],
  ] as const)('%s', (encoding, bytes, text) => expect(decode(encoding, ...bytes)).toBe(text))

  test('a byte that is not valid becomes a replacement character and costs no other', () => {
    expect(decode('EUC_JP', 0x61, 0xff, 0x62)).toBe('a\ufffdb')
    expect(decode('SJIS', 0x61, 0x81)).toBe('a\ufffd')
    expect(decodeUtf8(Uint8Array.of(0x61, 0xe9, 0x62))).toBe('a\ufffdb')
  })
})

describe('encodings without a table', () => {
  test.each(['EUC_TW', 'JOHAB', 'MULE_INTERNAL', 'no such encoding', 'constructor', '__proto__'])(
    '%s',
    (name) => {
      expect(decode(name, 0x61, 0x80, 0xff, 0x7a)).toBe('a\ufffd\ufffdz')
    },
  )

  test('are not remembered', () => {
    const first = decoderOf('made up 1')
    for (let i = 0; i < 1000; i++) expect(decoderOf(`made up ${i}`)).toBe(first)
  })
})

test('UTF-8 and what passes for it', () => {
  for (const encoding of ['UTF8', 'SQL_ASCII', '']) expect(isUtf8(encoding)).toBe(true)
  for (const encoding of ['LATIN1', 'utf8', 'UTF9']) expect(isUtf8(encoding)).toBe(false)
  expect(decode('SQL_ASCII', 0xc3, 0xa9)).toBe('é')
  expect(decode('UTF8', 0xef, 0xbb, 0xbf, 0x61)).toBe('\ufeffa')
})
