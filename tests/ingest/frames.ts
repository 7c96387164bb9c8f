import {
  encodeAcknowledgement,
  encodeDropped,
  encodeHeartbeat,
  encodeIdentity,
  encodeRing,
  encodeVersion,
} from '../../src/codec/control.ts'
import { Field } from '../../src/codec/fields.ts'
import { FrameDecoder } from '../../src/codec/frame.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import type { InputError } from '../../src/errors.ts'
import { LogStream, type StreamHandler, type Wanted } from '../../src/ingest/stream.ts'
import { uidOf } from '../../src/record/uid.ts'
import type { RecordView } from '../../src/record/view.ts'

/** Frames for tests, and what a stream made of them, as text that is easy to compare. */

export const hello = (protocol: 1 | 2 = 2, identity = 'shop'): Uint8Array =>
  Buffer.concat([encodeVersion({ server: '15.20', protocol }), encodeIdentity(identity)])

export const ring = (bootId: bigint, nextSequence: bigint): Uint8Array => encodeRing({ bootId, nextSequence })

export const acknowledgement = (bootId: bigint, sequence: bigint): Uint8Array =>
  encodeAcknowledgement({ bootId, sequence })

export const dropped = (firstSequence: bigint, count: bigint): Uint8Array =>
  encodeDropped({ firstSequence, count, elevel: 15, reason: 'queue_full' })

export const heartbeat = encodeHeartbeat

/** The record with number `n`: its message says so. */
export const log = (n: number, protocol: 1 | 2 = 2, own: LogFields = {}): Uint8Array =>
  encodeLog(
    {
      LogTime: '2026-03-01 12:00:00.001 UTC',
      SessionId: '65e0a1.1f',
      SeqNum: BigInt(n),
      ELevel: 15,
      ErrMessage: `message ${n}`,
      Encoding: 'UTF8',
      ...own,
    },
    protocol,
  )

export const logs = (from: number, to: number, protocol: 1 | 2 = 2): Uint8Array =>
  Buffer.concat(Array.from({ length: to - from + 1 }, (_, i) => log(from + i, protocol)))

/** `5 message 5`: a record's sequence (`-` without) and message. */
export const shown = (record: RecordView): string =>
  `${record.sequence ?? '-'} ${record.text(Field.ErrMessage)}`

/** Follows a stream and writes down what it says. */
export class Reading {
  readonly events: string[] = []
  readonly uids: string[] = []
  readonly decoder = new FrameDecoder()
  readonly stream: LogStream

  constructor(own: Partial<StreamHandler> = {}, wanted?: Wanted) {
    const handler: StreamHandler = {
      record: (record) => {
        this.events.push(shown(record))
        this.uids.push(uidOf(record))
      },
      dropped: (lost) => this.events.push(`dropped ${lost.firstSequence}+${lost.count}`),
      damage: (error: InputError) => this.events.push(`${error.reason} at ${error.offset}`),
      ...own,
    }
    this.stream = new LogStream(this.decoder, handler, wanted)
  }

  push(...frames: readonly Uint8Array[]): this {
    this.stream.push(Buffer.concat(frames))
    return this
  }
}
