import { readInt64 } from '../codec/fields.ts'
import { FRAME_HEADER_BYTES, FrameDecoder, FrameType } from '../codec/frame.ts'
import { InputError } from '../errors.ts'
import type { Source } from '../record/source.ts'
import { RecordView } from '../record/view.ts'
import { LogStream, type Wanted } from './stream.ts'

/** Bytes of an `R` frame's payload before the sequence: the boot id. */
const BOOT_BYTES = 8
const SEQUENCE_BYTES = 8

/** What is done with the records. */
export interface FebeRecordsOptions {
  readonly maxFrameBytes: number
  readonly wanted?: Wanted | undefined
  readonly record: (record: RecordView) => void
}

/**
 * Reads texts that are each a dump of one record (`V` `I` `R` `L`). What stands in front of the record is the same from one
 * to the next, nearly always, and is understood once.
 */
export class FebeRecords {
  readonly #options: FebeRecordsOptions
  readonly #record = new RecordView()
  /** What the last text began with, up to the sequence. */
  #preamble: Uint8Array = new Uint8Array(0)
  #source: Source | undefined
  #hasRing = false

  constructor(options: FebeRecordsOptions) {
    this.#options = options
  }

  /**
   * Hands out the record of a text.
   *
   * @throws InputError when the text is not such a dump
   */
  take(bytes: Uint8Array): void {
    if (!this.#takeLikeLast(bytes)) this.#takeAnew(bytes)
  }

  #takeLikeLast(bytes: Uint8Array): boolean {
    const preamble = this.#preamble
    const frame = preamble.length + (this.#hasRing ? SEQUENCE_BYTES : 0)
    if (this.#source === undefined || bytes.length < frame + FRAME_HEADER_BYTES) return false
    for (let i = 0; i < preamble.length; i++) if (bytes[i] !== preamble[i]) return false
    const start = frame + FRAME_HEADER_BYTES
    const record = this.#record
    record.reset(bytes, start, bytes.length)
    // Anything else is looked at frame by frame.
    if (bytes[frame] !== FrameType.Record || record.words.getInt32(frame + 1) !== bytes.length - frame - 1)
      return false
    record.source = this.#source
    this.#number(record, preamble.length)
    if (record.sequenceBase < -1n || !record.walkHead()) return false
    if (this.#options.wanted !== undefined && !this.#options.wanted(record)) return true
    if (!record.walk()) return false
    this.#options.record(record)
    return true
  }

  /** Gives a record its sequence; the next one of a run has the run's base, as in a stream. */
  #number(record: RecordView, at: number): void {
    if (this.#hasRing) {
      const sequence = record.words.getInt32(at) * 4294967296 + record.words.getUint32(at + 4)
      const follows = record.sequenceStart + record.sequenceOffset + 1 === sequence
      if (follows && Number.isSafeInteger(sequence)) {
        record.sequenceOffset++
        return
      }
    }
    record.sequenceBase = this.#hasRing ? readInt64(record.bytes, at) : -1n
    record.sequenceOffset = 0
  }

  #takeAnew(bytes: Uint8Array): void {
    this.#source = undefined
    const decoder = new FrameDecoder(this.#options.maxFrameBytes)
    const handler = {
      record: (record: RecordView) => {
        this.#remember(record)
        this.#options.record(record)
      },
      damage: (error: InputError) => {
        throw error
      },
    }
    const stream = new LogStream(decoder, handler, this.#options.wanted)
    stream.push(bytes)
    decoder.end()
    if (stream.counts.records !== 1)
      throw new InputError('malformed_frame', `it holds ${stream.counts.records} records, not one`, 0)
  }

  #remember(record: RecordView): void {
    const { bytes, source } = record
    const frame = record.start - FRAME_HEADER_BYTES
    this.#hasRing = source.bootId !== undefined
    const end = this.#hasRing ? frame - SEQUENCE_BYTES : frame
    // An R frame right before the record, as pgturret writes it; of anything else nothing is remembered.
    if (this.#hasRing && bytes[end - BOOT_BYTES - FRAME_HEADER_BYTES] !== FrameType.Ring) return
    this.#preamble = bytes.slice(0, end)
    this.#source = source
  }
}
