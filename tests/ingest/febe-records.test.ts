import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { encodeDropped, encodeIdentity, encodeRing, encodeVersion } from '../../src/codec/control.ts'
import { DEFAULT_MAX_FRAME_BYTES, FrameDecoder } from '../../src/codec/frame.ts'
import { encodeLog } from '../../src/codec/log.ts'
import { FebeRecords } from '../../src/ingest/febe-records.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { roomOf } from '../../src/record/room.ts'
import { uidOf } from '../../src/record/uid.ts'
import type { RecordView } from '../../src/record/view.ts'
import { FebeRecordEncoder } from '../../src/render/febe-record.ts'

/** Records that stand alone: what is written of each, and that it is read back. */

const seen = (record: RecordView): string =>
  [record.source.identity, record.source.version.server, uidOf(record), record.text(13)].join(' | ')

/** Writes every record of a dump alone. */
function alone(dump: Uint8Array): { texts: Uint8Array[]; told: string[] } {
  const encoder = new FebeRecordEncoder()
  const texts: Uint8Array[] = []
  const told: string[] = []
  const stream = new LogStream(new FrameDecoder(), {
    record: (record) => {
      const room = roomOf(new Uint8Array(encoder.room(record)))
      texts.push(room.bytes.slice(0, encoder.encode(record, room, 0)))
      told.push(seen(record))
    },
    damage: (error) => {
      throw error
    },
  })
  stream.push(dump)
  return { texts, told }
}

function read(texts: readonly Uint8Array[]): string[] {
  const back: string[] = []
  const records = new FebeRecords({
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    record: (record) => back.push(seen(record)),
  })
  for (const text of texts) records.take(text)
  return back
}

const log = (message: string, protocol: 1 | 2 = 2) =>
  encodeLog({ ErrMessage: message, SessionId: 's', SeqNum: 7n, Encoding: 'UTF8' }, protocol)

const from = (identity: string, next: bigint, messages: readonly string[]) =>
  Buffer.concat([
    encodeVersion({ server: '17.2', protocol: 2 }),
    encodeIdentity(identity),
    encodeRing({ bootId: 5n, nextSequence: next }),
    ...messages.map((message) => log(message)),
  ])

describe('records that stand alone', () => {
  test('are read back as they were, in any order', () => {
    const dump = Buffer.concat([
      from('a', 1n, ['one', 'two']),
      encodeDropped({ firstSequence: 3n, count: 10n, elevel: 15, reason: 'queue_full' }),
      log('three'),
      from('b', 2n ** 60n, ['four', 'five']),
      from('a', 2n ** 32n - 1n, ['six', 'seven']),
    ])
    const { texts, told } = alone(dump)
    expect(told).toHaveLength(7)
    const numbers = told.map((_, i) => i)
    fc.assert(
      fc.property(fc.shuffledSubarray(numbers, { minLength: 7 }), (order) => {
        expect(read(order.map((i) => texts[i]!))).toEqual(order.map((i) => told[i]!))
      }),
    )
  })

  test('of logfebe-1 are, too', () => {
    const head = [encodeVersion({ server: '15.20', protocol: 1 }), encodeIdentity('old')]
    const { texts, told } = alone(Buffer.concat([...head, log('one', 1), log('two', 1)]))
    expect(read(texts)).toEqual(told)
  })

  test('that are cut off, or hold more than one record, are damage, and cost nothing after them', () => {
    const { texts, told } = alone(from('a', 1n, ['one', 'two', 'three']))
    const records = new FebeRecords({ maxFrameBytes: DEFAULT_MAX_FRAME_BYTES, record: () => undefined })
    records.take(texts[0]!)
    for (let end = 0; end < texts[1]!.length; end++)
      expect(() => records.take(texts[1]!.slice(0, end))).toThrow()
    expect(() => records.take(Buffer.concat([texts[0]!, texts[1]!]))).toThrow()
    expect(read([texts[0]!, texts[2]!])).toEqual([told[0]!, told[2]!])
  })
})
