import { encodeIdentity, encodeRing, encodeVersion } from '../codec/control.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import type { Room } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'

/** Bytes at the end of an `R` frame: the sequence of the record that follows. */
const SEQUENCE_BYTES = 8

/** Each record as a dump of its own, which can be read without any other: `V` `I` (`R`) `L`. */
export class FebeRecordEncoder implements Encoder {
  #source: Source | undefined
  #preamble: Uint8Array = new Uint8Array(0)
  #plain = false

  room(record: RecordView): number {
    return this.#preambleFor(record).length + record.end - record.start + FRAME_HEADER_BYTES
  }

  encode(record: RecordView, out: Room, at: number): number {
    const preamble = this.#preambleFor(record)
    out.bytes.set(preamble, at)
    at += preamble.length
    if (!this.#plain) writeSequence(record, out, at - SEQUENCE_BYTES)
    out.bytes.set(record.bytes.subarray(record.start - FRAME_HEADER_BYTES, record.end), at)
    return at + record.end - record.start + FRAME_HEADER_BYTES
  }

  /** What stands in front of every record of a source, the sequence still to be written. */
  #preambleFor({ source, sequenceStart }: RecordView): Uint8Array {
    const plain = source.bootId === undefined || sequenceStart === -1
    if (source === this.#source && plain === this.#plain) return this.#preamble
    const frames = [encodeVersion(source.version), encodeIdentity(source.identity)]
    if (!plain) frames.push(encodeRing({ bootId: source.bootId!, nextSequence: 0n }))
    this.#source = source
    this.#plain = plain
    this.#preamble = Buffer.concat(frames)
    return this.#preamble
  }
}

function writeSequence(record: RecordView, out: Room, at: number): void {
  const sequence = record.sequenceStart + record.sequenceOffset
  if (Number.isNaN(sequence)) return out.words.setBigInt64(at, record.sequence!)
  out.words.setUint32(at, Math.floor(sequence / 4294967296))
  out.words.setUint32(at + 4, sequence >>> 0)
}
