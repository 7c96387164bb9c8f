import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FrameDecoder } from '../../src/codec/frame.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import { LogStream, type StreamHandler } from '../../src/ingest/stream.ts'
import { roomOf } from '../../src/record/room.ts'
import { uidOf } from '../../src/record/uid.ts'
import type { RecordView } from '../../src/record/view.ts'
import { redactedEncoding } from '../../src/redact/redacting-encoder.ts'
import type { Encoder } from '../../src/render/encoder.ts'
import { FebeEncoder } from '../../src/render/febe.ts'
import { makeEncoder } from '../../src/render/make-encoder.ts'
import { anyLogFields } from '../codec/log-fields.ts'
import { hello, ring } from '../ingest/frames.ts'
import { recordOf } from '../record/records.ts'
import { encoded } from '../render/encoded.ts'
import { LITERALS, NOTHING, PASSWORDS } from './redacted.ts'

const encodingOf = (encoder: () => Encoder, redaction = LITERALS) =>
  redactedEncoding({ name: 'plain', encoder }, redaction)

const febe = () => encodingOf(() => new FebeEncoder()).encoder()

/** What a dump says that holds one record. */
function fromDump(encoder: Encoder, record: RecordView, look: (record: RecordView) => void): void {
  const out = roomOf(new Uint8Array(encoder.room(record) + 16))
  const end = encoder.encode(record, out, 0)
  let seen = 0
  const stream = new LogStream(new FrameDecoder(), {
    record: (one) => {
      seen++
      look(one)
    },
    damage: (error) => {
      throw error
    },
  })
  stream.push(out.bytes.subarray(0, end))
  expect(seen).toBe(1)
}

describe('many records at once', () => {
  const json = () => makeEncoder('json', { color: false })

  /** Lines of records, with what can be taken in runs taken so; and how many those are. */
  function lines(encoder: Encoder, stream: Uint8Array): { text: string; inRuns: number } {
    const out = roomOf(new Uint8Array(1_000_000))
    let at = 0
    let inRuns = 0
    const handler: StreamHandler = {
      record: (record) => {
        encoder.room(record)
        at = encoder.encode(record, out, at)
      },
      damage: (error) => {
        throw error
      },
    }
    if (encoder.encodeRun !== undefined) {
      handler.run = (first, available) => {
        const taken = encoder.encodeRun!({ first, available, most: 1000 }, out, at)
        inRuns += taken?.records ?? 0
        at += taken?.ends.at(-1) ?? 0
        return taken
      }
    }
    new LogStream(new FrameDecoder(), handler).push(Buffer.concat([hello(2), ring(7n, 1n), stream]))
    return { text: Buffer.from(out.bytes.subarray(0, at)).toString(), inRuns }
  }

  /** An encoder that takes no runs. */
  const oneByOne = (): Encoder => {
    const encoder = encodingOf(json, PASSWORDS).encoder()
    return {
      room: (record) => encoder.room(record),
      encode: (record, out, at) => encoder.encode(record, out, at),
    }
  }

  const frame = (fields: LogFields) =>
    encodeLog({ ELevel: 15, Encoding: 'UTF8', MessageId: '%s', ...fields }, 2)
  const harmless = Buffer.concat(Array.from({ length: 20 }, (_, n) => frame({ ErrMessage: `harmless ${n}` })))

  test('a password is hidden wherever it stands', () => {
    const filler = fc
      .array(fc.constantFrom('a', 'pass', 'sword', ':', '/', 'é', ' ', 'w', 'PASS', '@', '"'), {
        maxLength: 9,
      })
      .map((all) => all.join(''))
    const secret = fc.constantFrom(
      '',
      "password '☠'",
      "PASSWORD = '☠'",
      'PassWord ☠',
      'x://u:☠@h',
      "'harmless'",
    )
    const name = fc.constantFrom(
      ...(['ErrMessage', 'ErrDetail', 'ErrHint', 'InternalQuery', 'ErrContext', 'UserQuery'] as const),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(name, filler, secret, filler), { maxLength: 12 }), (records) => {
        const frames = records.map(([field, before, text, behind]) =>
          frame({ ErrMessage: 'statement', [field]: `${before}${text} ${behind}` }),
        )
        const stream = Buffer.concat([harmless, ...frames, harmless])
        const { text, inRuns } = lines(encodingOf(json, PASSWORDS).encoder(), stream)
        expect(text).toBe(lines(oneByOne(), stream).text)
        expect(inRuns).toBeGreaterThan(19)
      }),
      { numRuns: 1000 },
    )
  })

  test('are not taken where more is left out, or the format has no way to', () => {
    expect(encodingOf(json, PASSWORDS).encoder().encodeRun).toBeDefined()
    expect(encodingOf(json, { ...PASSWORDS, literals: true }).encoder().encodeRun).toBeUndefined()
    expect(encodingOf(json, LITERALS).encoder().encodeRun).toBeUndefined()
    expect(encodingOf(() => new FebeEncoder(), PASSWORDS).encoder().encodeRun).toBeUndefined()
  })
})

describe('a redacted encoding', () => {
  const record = recordOf(
    {
      MessageId: 'statement: %s',
      ErrMessage: "statement: SELECT '☠'",
      UserQuery: "SELECT '☠'",
      Encoding: 'UTF8',
      Flags: 1,
      OriginalBytes: 99n,
    },
    { bootId: 5n, sequence: 7n },
  )

  for (const format of ['json', 'pretty', 'prototext'] as const) {
    test(`${format} shows no literal`, () => {
      const encoder = encodingOf(() => makeEncoder(format, { color: false })).encoder()
      const text = encoded(encoder, record)
      expect(text).toContain('statement: SELECT ?')
      expect(text).not.toContain('☠')
    })
  }

  test('a dump holds whole frames, with the ids that they had', () => {
    fromDump(febe(), record, (one) => {
      expect(uidOf(one)).toBe(uidOf(record))
      expect(one.text(13)).toBe('statement: SELECT ?')
      expect([one.int32(36), one.int64(37)]).toEqual([1, 99n])
    })
  })

  test('has a name of its own for each redaction, and none where nothing goes', () => {
    const plain = { name: 'json', encoder: () => new FebeEncoder() }
    expect(redactedEncoding(plain, NOTHING)).toBe(plain)
    const names = [LITERALS, PASSWORDS, { ...LITERALS, passwords: true }].map(
      (one) => redactedEncoding(plain, one).name,
    )
    expect(new Set([...names, 'json']).size).toBe(4)
  })

  test('a record without anything to leave out is not touched', () => {
    const fields = { ErrMessage: 'nothing', UserQuery: "SELECT 'x'", UserQueryPos: 3 }
    const plain = encoded(makeEncoder('json', { color: false }), recordOf(fields))
    const encoder = encodingOf(() => makeEncoder('json', { color: false }), PASSWORDS).encoder()
    expect(encoded(encoder, recordOf(fields))).toBe(plain)
  })

  test('a statement that has changed has no cursor position, one that has not keeps it', () => {
    const encoder = encodingOf(() => makeEncoder('json', { color: false })).encoder()
    const positions = ["SELECT 'x'", 'SELECT x'].map((UserQuery) => {
      const event = JSON.parse(encoded(encoder, recordOf({ UserQuery, UserQueryPos: 8, Txid: 5n })))
      return [event.statement, event.cursor_position, event.txid]
    })
    expect(positions).toEqual([
      ['SELECT ?', undefined, 5],
      ['SELECT x', 8, 5],
    ])
  })

  test('another record at the same place is not taken for the last one', () => {
    const encoder = encodingOf(() => makeEncoder('json', { color: false })).encoder()
    const [first, second] = [
      recordOf({ UserQuery: "SELECT a, 'x'" }),
      recordOf({ UserQuery: "SELECT b, 'x'" }),
    ]
    encoded(encoder, first)
    first.bytes.set(second.bytes)
    const out = roomOf(new Uint8Array(10_000))
    const text = new TextDecoder().decode(out.bytes.subarray(0, encoder.encode(first, out, 0)))
    expect(JSON.parse(text).statement).toBe('SELECT b, ?')
  })

  test('one instance serves records of any size and order', () => {
    const encoder = encodingOf(() => makeEncoder('json', { color: false })).encoder()
    for (const size of [1, 100_000, 3, 2_000_000, 10]) {
      const text = encoded(encoder, recordOf({ UserQuery: `SELECT ${'a '.repeat(size)}'☠'` }))
      expect(JSON.parse(text).statement).toBe(`SELECT ${'a '.repeat(size)}?`)
    }
  })

  test('whatever the fields hold, the frame is whole and the others are as they were', () => {
    fc.assert(
      fc.property(
        anyLogFields(2),
        fc.constantFrom(LITERALS, PASSWORDS, { ...LITERALS, statements: true }),
        (fields, redaction) => {
          const given = recordOf({ ...fields, Encoding: 'UTF8' }, { bootId: 1n, sequence: 3n })
          const encoder = encodingOf(() => new FebeEncoder(), redaction).encoder()
          fromDump(encoder, given, (one) => {
            for (const field of [0, 1, 2, 4, 5, 7, 9, 12, 21, 22, 25, 28, 29, 34, 35])
              expect(one.raw(field)).toEqual(given.raw(field))
            for (const field of [3, 11, 36]) expect(one.int32(field)).toBe(given.int32(field))
          })
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('text that is not UTF-8', () => {
  const cases: [string, number[], string][] = [
    ['LATIN1', [0xe4, 0xf6], 'äö'],
    // 0x5c as a second byte: no backslash.
    ['SJIS', [0x95, 0x5c], '表'],
    ['BIG5', [0xa5, 0x5c], '功'],
    ['GBK', [0x81, 0x5c], '乗'],
  ]
  for (const [Encoding, letter, shown] of cases) {
    test(Encoding, () => {
      const bytes = (...parts: (string | number[])[]) =>
        Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part)))
      const given = recordOf({
        Encoding,
        UserQuery: bytes("SELECT '", letter, "', E'", letter, "', 'secret' AS ", letter),
        UserName: bytes(letter),
      })
      fromDump(febe(), given, (one) => {
        expect(one.encoding()).toBe('UTF8')
        expect(one.text(19)).toBe(`SELECT ?, ?, ? AS ${shown}`)
        expect(one.text(1)).toBe(shown)
      })
    })
  }

  test('quotation marks of the encoding count', () => {
    const ErrMessage = Uint8Array.from([...Buffer.from('Wert '), 0xbb, ...Buffer.from('secret'), 0xab])
    const given = recordOf({ Encoding: 'LATIN1', MessageId: 'value "%s"', ErrMessage })
    fromDump(febe(), given, (one) => expect(one.text(13)).toBe('Wert »?«'))
  })

  test('passwords go without a --redact, too', () => {
    const encoder = encodingOf(() => new FebeEncoder(), PASSWORDS).encoder()
    const UserQuery = Uint8Array.from([...Buffer.from("ALTER ROLE b PASSWORD 'secret"), 0xe4, 0x27])
    fromDump(encoder, recordOf({ Encoding: 'LATIN1', UserQuery }), (one) =>
      expect(one.text(19)).toBe('ALTER ROLE b PASSWORD ?'),
    )
  })
})
