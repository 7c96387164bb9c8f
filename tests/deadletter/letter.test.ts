import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Encloser, openDump } from '../../src/deadletter/enclosure.ts'
import {
  encodeLetter,
  MOST_REASON,
  parseLetter,
  reasonLine,
  withoutDump,
} from '../../src/deadletter/letter.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { recordOf } from '../record/records.ts'
import { letter, ORDERS } from './desk.ts'

const encloser = new Encloser()
const line = (bytes: Uint8Array): string => Buffer.from(bytes).toString().slice(0, -1)

describe('the reason', () => {
  test.each([
    ['two\nlines\r\n', 'two lines'],
    ['a \t\v b\x07\x1b[31mred\0', 'a b [31mred'],
    ['next\u0085line\u2028and\u2029more', 'next line and more'],
    ['', ''],
    ['half of \ud83d', 'half of \ufffd'],
  ])('%j is one line', (given, expected) => expect(reasonLine(given)).toBe(expected))

  test('a long one is cut, and no character in the middle', () => {
    const cut = reasonLine('😀'.repeat(MOST_REASON))
    expect(cut.length).toBe(MOST_REASON)
    expect(cut.endsWith('…')).toBe(true)
    expect(cut.isWellFormed()).toBe(true)
  })
})

describe('any record comes back from its letter, byte by byte', () => {
  test.each([1, 2] as const)('logfebe-%i', (protocol) => {
    fc.assert(
      fc.property(
        anyRecordFields(protocol),
        fc.option(fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.bigInt({ min: 0n, max: 2n ** 62n }))),
        fc.string(),
        fc.string({ unit: 'binary' }),
        (fields, place, identity, reason) => {
          const around = { protocol, identity: identity.replaceAll('\0', '').toWellFormed() }
          const ring = protocol === 2 && place !== null ? { bootId: place[0], sequence: place[1] } : {}
          const record = recordOf(fields, { ...around, ...ring })
          const payload = Buffer.from(record.bytes.subarray(record.start, record.end))
          const stored = line(
            encodeLetter(ORDERS, letter(7, { reason }), encloser.enclose(record), 0, 2 ** 30),
          )
          expect(stored).not.toMatch(/[\n\r]/)
          const back = parseLetter(stored)!
          expect(back).toMatchObject({ exporter: 'orders', position: 7, status: 400, attempts: 3 })
          const opened = openDump(back.febe!, (found) => {
            expect(payload.equals(found.bytes.subarray(found.start, found.end))).toBe(true)
            expect(found.sequence).toBe(record.sequence)
            expect(found.source).toEqual(record.source)
          })
          expect(opened).toBe(true)
          expect(JSON.parse(withoutDump(stored)).record).toEqual(JSON.parse(stored).record)
          expect(withoutDump(stored)).not.toMatch(/"febe":"[^"\\]*"\}$/)
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('without the dump every digit stays', () => {
  const record = recordOf({ QueryId: -9_223_372_036_854_775_807n, ErrMessage: ',"febe":"AAAA"}' })
  const stored = line(encodeLetter(ORDERS, letter(0), encloser.enclose(record), 0, 1e6))
  expect(withoutDump(stored)).toContain('"query_id":-9223372036854775807')
  expect(JSON.parse(withoutDump(stored))).toMatchObject({ record: { message: ',"febe":"AAAA"}' } })
})

describe('letters about the same record have the same key', () => {
  const keyOf = (position: number, name: string, sequence?: bigint): string => {
    const around = sequence === undefined ? {} : { bootId: 1n, sequence }
    const enclosed = sequence === undefined ? undefined : encloser.enclose(recordOf({}, around))
    return parseLetter(line(encodeLetter({ name, type: 'x' }, letter(position), enclosed, 0, 1e6)))!.key
  }

  test('by the id, whatever the position', () => expect(keyOf(1, 'a', 5n)).toBe(keyOf(2, 'a', 5n)))
  test('not for another exporter', () => expect(keyOf(1, 'a', 5n)).not.toBe(keyOf(1, 'b', 5n)))
  test('without the record by the position', () => {
    expect(keyOf(1, 'a')).toBe(keyOf(1, 'a'))
    expect(keyOf(1, 'a')).not.toBe(keyOf(2, 'a'))
  })
})

test.each([
  '',
  '{',
  '[]',
  'null',
  '1',
  '{}',
  '{"time":"","exporter":"a","type":"b","reason":1}',
  '{"position":1}',
])('no letter: %j', (text) => expect(parseLetter(text)).toBeUndefined())

test('a dump that somebody has changed holds nothing', () => {
  expect(openDump(Buffer.from('VVVV nonsense'), () => undefined)).toBe(false)
  expect(openDump(new Uint8Array(0), () => undefined)).toBe(false)
})
