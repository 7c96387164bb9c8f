import { type Dropped, encodeDropped, encodeIdentity, encodeRing, encodeVersion } from '../codec/control.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import type { Room } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'

/**
 * Records as the frames that they came in: a dump. `V` `I` (and, in logfebe-2, `R` with the sequence of the next record)
 * stand at the beginning of each piece and wherever the source changes; `R` wherever the sequence jumps. So every record
 * is read back with the id that it had.
 */
export class FebeEncoder implements Encoder {
  #source: Source | undefined
  // Start and offset of the last record's sequence, apart as in the view: the usual next one costs no bigint.
  #start = -1
  #offset = 0

  begin(): void {
    this.#source = undefined
  }

  room(record: RecordView): number {
    const { source } = record
    return record.end - record.start + 64 + 3 * (source.identity.length + source.version.server.length)
  }

  encode(record: RecordView, out: Room, at: number): number {
    if (record.source !== this.#source) at = put(out, at, preamble(record.source, record.sequence))
    else if (!this.#isNext(record)) at = put(out, at, ringAt(record.source, record.sequence))
    this.#source = record.source
    this.#start = record.sequenceStart
    this.#offset = record.sequenceOffset
    return put(out, at, record.bytes.subarray(record.start - FRAME_HEADER_BYTES, record.end))
  }

  encodeDropped(dropped: Dropped, source: Source): Uint8Array {
    const head = source === this.#source ? [] : [preamble(source, dropped.firstSequence)]
    this.#source = source
    // What follows has the sequence after them.
    this.#start = Number(dropped.firstSequence + dropped.count)
    this.#offset = -1
    return Buffer.concat([...head, encodeDropped(dropped)])
  }

  /**
   * Whether a record needs nothing but its own frame behind the last one. Then it counts as written: the caller copies the
   * frame.
   */
  follows(record: RecordView): boolean {
    if (record.source !== this.#source || !this.#isNext(record)) return false
    this.#offset = record.sequenceOffset
    return true
  }

  /** So many records more, that follow the last one, count as written. */
  passed(records: number): void {
    this.#offset += records
  }

  #isNext(record: RecordView): boolean {
    return record.sequenceStart === this.#start && record.sequenceOffset === this.#offset + 1
  }
}

function put(out: Room, at: number, bytes: Uint8Array): number {
  out.bytes.set(bytes, at)
  return at + bytes.length
}

function preamble(source: Source, sequence: bigint | undefined): Uint8Array {
  return Buffer.concat([
    encodeVersion(source.version),
    encodeIdentity(source.identity),
    ringAt(source, sequence),
  ])
}

function ringAt(source: Source, sequence: bigint | undefined): Uint8Array {
  if (source.bootId === undefined || sequence === undefined) return new Uint8Array(0)
  return encodeRing({ bootId: source.bootId, nextSequence: sequence })
}
