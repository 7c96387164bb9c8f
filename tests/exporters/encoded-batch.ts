import type { LogFields } from '../../src/codec/log.ts'
import type { Batch } from '../../src/exporter.ts'
import { roomOf } from '../../src/record/room.ts'
import type { Encoding } from '../../src/render/encoder.ts'
import { recordOf } from '../record/records.ts'

/** A batch of records as an exporter's encoding writes them; each has the place in the list as its sequence. */
export function batchOfRecords(encoding: Encoding, records: readonly LogFields[], identity = 'shop'): Batch {
  const encoder = encoding.encoder()
  const ends = new Uint32Array(records.length)
  let end = 0
  const parts = records.map((fields, index) => {
    const record = recordOf(
      {
        LogTime: '2026-03-01 12:00:00.000 UTC',
        SessionId: '65e0a1.1f',
        ELevel: 15,
        Encoding: 'UTF8',
        ...fields,
      },
      { identity, sequence: BigInt(index), bootId: 7n },
    )
    const reserved = encoder.room(record)
    // What is touched behind the room would be a neighbour's.
    const room = roomOf(new Uint8Array(reserved + 3))
    const length = encoder.encode(record, room, 0)
    if (length > reserved) throw new Error(`${length} bytes were written where ${reserved} had been reserved`)
    end += length
    ends[index] = end
    return room.bytes.subarray(0, length)
  })
  return { records: records.length, bytes: Buffer.concat(parts), ends }
}
