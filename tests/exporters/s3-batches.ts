import type { Destination } from '../../src/cli/destinations.ts'
import { encodingOf } from '../../src/cli/encodings.ts'
import type { Batch } from '../../src/exporter.ts'
import { roomOf } from '../../src/record/room.ts'
import { recordOf } from '../record/records.ts'

/** A record, as far as it matters where it is stored. */
export interface Written {
  readonly sequence: number
  /** When, in milliseconds since 1970. */
  readonly ms: number
  readonly identity?: string
  readonly bootId?: bigint
  readonly message?: string
  /** Of logfebe-1: without a sequence. */
  readonly plain?: boolean
  /** LogTime, where it is not `ms` in UTC. */
  readonly time?: string
}

/** A batch of these records, encoded as the destination asks. */
export function batchFor(destination: Destination, records: readonly Written[]): Batch {
  const encoder = encodingOf(destination, { color: false, everywhere: false }).encoder()
  const parts: Uint8Array[] = []
  const ends = new Uint32Array(records.length)
  let length = 0
  for (const [i, one] of records.entries()) {
    const { sequence, ms, identity = 'db1', bootId = 7n, message = `record ${sequence}`, plain } = one
    const text = new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC')
    const record = recordOf(
      {
        LogTime: one.time ?? text,
        TimeMicros: BigInt(ms) * 1000n,
        SessionId: '65e0a1.1f',
        SeqNum: BigInt(sequence),
        ELevel: 15,
        Encoding: 'UTF8',
        ErrMessage: message,
      },
      plain ? { identity, protocol: 1 } : { identity, bootId, sequence: BigInt(sequence) },
    )
    const room = roomOf(new Uint8Array(encoder.room(record) + 3))
    const end = encoder.encode(record, room, 0)
    parts.push(room.bytes.subarray(0, end))
    length += end
    ends[i] = length
  }
  return { records: records.length, bytes: Buffer.concat(parts), ends }
}
