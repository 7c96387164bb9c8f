import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { JsonEncoder } from '../../src/record/json.ts'
import { roomOf } from '../../src/record/room.ts'
import { conditionName, NAMES_BY_CODE } from '../../src/record/sqlstate.ts'
import type { RecordView } from '../../src/record/view.ts'
import { anyInt64 } from '../codec/log-fields.ts'
import { jsonOf, recordOf } from './records.ts'

// Many cases, which take their time on a busy machine.
setDefaultTimeout(60_000)
const encoder = new JsonEncoder()
const target = roomOf(new Uint8Array(65_536))
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** What the kernel makes of one record's message. */
function messageOf(record: RecordView): string {
  const end = encoder.encode(record, target, 0)
  return JSON.parse(Buffer.from(target.bytes.subarray(0, end)).toString()).message
}

const differs = (bytes: Uint8Array): boolean =>
  messageOf(recordOf({ ErrMessage: bytes })) !== decoder.decode(bytes)

describe('texts, eight bytes at a time', () => {
  test('every byte, at every place in a word, in texts of every length', () => {
    for (let byte = 1; byte < 256; byte++) {
      for (let length = 1; length < 18; length++) {
        const bytes = new Uint8Array(length).fill(0x61)
        bytes[(byte + length) % length] = byte
        bytes[length - 1] = byte
        if (differs(bytes)) throw new Error(`${bytes} differs`)
      }
    }
  })

  test('every two bytes', () => {
    for (let first = 1; first < 256; first++) {
      for (let second = 1; second < 256; second++) {
        const bytes = Uint8Array.of(first, second)
        if (differs(bytes)) throw new Error(`${bytes} differs`)
      }
    }
  })

  test('every prefix of sequences of all lengths, and what may follow', () => {
    const leads = [0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]
    const tails = [0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]
    const two = tails.flatMap((one) => tails.map((other) => [one, other] as const))
    for (const lead of leads) {
      for (const second of tails) {
        for (const [third, fourth] of two) {
          const bytes = Uint8Array.of(lead, second, third, fourth, 0x61)
          for (let length = 1; length <= 5; length++)
            if (differs(bytes.subarray(0, length)))
              throw new Error(`${bytes}, ${length} bytes of it: differs`)
        }
      }
    }
  })

  test('bytes of every kind, mixed', () => {
    const byte = fc.oneof(
      fc.constantFrom(0x22, 0x5c, 0x0a, 0x1f, 0x20, 0x21, 0x5b, 0x5d, 0x7f, 0xc3, 0xa4, 0xe2, 0x82, 0xac),
      fc.integer({ min: 1, max: 255 }),
    )
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => !differs(Uint8Array.from(bytes))),
      { numRuns: 3000 },
    )
  })
})

test('numbers of every length', () => {
  const near = Array.from({ length: 19 }, (_, power) => [
    10n ** BigInt(power) - 1n,
    10n ** BigInt(power),
  ]).flat()
  const numbers = fc.oneof(anyInt64, fc.constantFrom(...near, ...near.map((one) => -one)))
  fc.assert(
    fc.property(numbers, (number) => jsonOf(recordOf({ Txid: number })).includes(`"txid":${number},`)),
    { numRuns: 2000 },
  )
})

test('every condition has its name, and nothing else has one', () => {
  const codes = [...NAMES_BY_CODE.keys(), '00001', 'ZZZZZ', '2350', '235055', 'xx000']
  for (const SQLState of codes) {
    const name = SQLState === '00000' ? undefined : conditionName(SQLState)
    expect(JSON.parse(jsonOf(recordOf({ SQLState }))).sqlstate_name).toBe(name)
  }
})

test('a record that is larger than what is kept, and small ones before and after', () => {
  const small = recordOf({ ErrMessage: 'small' })
  const expected = jsonOf(small)
  for (const length of [100_000, 1_000_000, 4_000_000, 100]) {
    const large = recordOf({ ErrMessage: `"${'x'.repeat(length)}\u0001`, ErrDetail: 'd' })
    const room = roomOf(new Uint8Array(encoder.room(large)))
    const end = encoder.encode(large, room, 0)
    const told = JSON.parse(Buffer.from(room.bytes.subarray(0, end)).toString())
    expect(told.message.length).toBe(length + 2)
    expect(told.detail).toBe('d')
    expect(jsonOf(small)).toBe(expected)
  }
})

test('a source may have the longest names, and another comes after it', () => {
  const identity = '\u0001'.repeat(4095)
  const long = recordOf({ ErrMessage: 'm' }, { identity })
  const short = recordOf({ ErrMessage: 'm' }, { identity: 'short' })
  for (let turn = 0; turn < 2; turn++) {
    expect(JSON.parse(jsonOf(long)).identity).toBe(identity)
    expect(JSON.parse(jsonOf(short)).identity).toBe('short')
  }
})

test('two encoders, each with its source, in turns', () => {
  const [one, other] = [new JsonEncoder(), new JsonEncoder()]
  const first = recordOf({ ErrMessage: 'm' }, { identity: 'first', bootId: 1n, sequence: 1n })
  const second = recordOf({ ErrMessage: 'm' }, { identity: 'second', bootId: 2n, sequence: 1n })
  for (let turn = 0; turn < 3; turn++) {
    expect(JSON.parse(jsonOf(first, one))).toMatchObject({ identity: 'first', uid: '0000000000000001-1' })
    expect(JSON.parse(jsonOf(second, other))).toMatchObject({ identity: 'second', uid: '0000000000000002-1' })
  }
})
