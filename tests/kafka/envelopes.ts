import { encodeIdentity, encodeRing, encodeVersion } from '../../src/codec/control.ts'
import { FrameDecoder } from '../../src/codec/frame.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import type { Batch } from '../../src/exporter.ts'
import kafka from '../../src/exporters/kafka.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { roomOf } from '../../src/record/room.ts'
import { JsonLinesEncoder } from '../../src/render/json-lines.ts'

export const BOOT = 0x1122334455667788n
/** Microseconds since 1970 of the first record. */
export const FIRST_MICROS = 1_772_366_400_001_234n

/** Records of a few sessions, told apart by their message. */
export function logs(count: number, more: LogFields = {}): LogFields[] {
  return Array.from({ length: count }, (_, n) => ({
    LogTime: '2026-03-01 12:00:00.001 UTC',
    UserName: 'shop_app',
    DatabaseName: n % 2 === 0 ? 'shop' : 'stock/1',
    Pid: 100 + (n % 7),
    SessionId: `69a43c00.${n % 7}`,
    SessionStart: '2026-03-01 11:58:02 UTC',
    SeqNum: BigInt(Math.floor(n / 7) + 1),
    ELevel: n % 10 === 0 ? 21 : 15,
    SQLState: n % 10 === 0 ? '23505' : '00000',
    ErrMessage: `récord ${n}`,
    TimeMicros: FIRST_MICROS + BigInt(n) * 1000n,
    BackendType: 'client backend',
    Encoding: 'UTF8',
    ...more,
  }))
}

/** A dump of records, those of one server. */
export function dumpOf(records: readonly LogFields[], identity = 'shop-db-1', first = 1n): Uint8Array {
  return Buffer.concat([
    encodeVersion({ server: '15.20', protocol: 2 }),
    encodeIdentity(identity),
    encodeRing({ bootId: BOOT, nextSequence: first }),
    ...records.map((record) => encodeLog(record, 2)),
  ])
}

/** Options of a destination as they would be read. */
export function optionsOf(url: string, flags: Record<string, unknown> = {}) {
  return kafka.options.parse({ ...flags, ...kafka.fromUrlText!(url) })
}

/** A batch as the pipeline would make it for a destination. */
export function envelopesOf(options: ReturnType<typeof optionsOf>, ...dumps: readonly Uint8Array[]): Batch {
  const encoder = kafka.encoding!(options, { name: 'json', encoder: () => new JsonLinesEncoder() }).encoder()
  const parts: Uint8Array[] = []
  const stream = new LogStream(new FrameDecoder(), {
    record: (record) => {
      const room = roomOf(new Uint8Array(encoder.room(record) + 3))
      const end = encoder.encode(record, room, 0)
      parts.push(room.bytes.slice(0, end))
    },
    damage: (error) => {
      throw error
    },
  })
  for (const dump of dumps) stream.push(dump)
  const ends = new Uint32Array(parts.length)
  let end = 0
  parts.forEach(({ length }, i) => {
    end += length
    ends[i] = end
  })
  return { records: parts.length, bytes: Buffer.concat(parts), ends }
}
