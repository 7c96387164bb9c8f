import {
  type Acknowledgement,
  type Dropped,
  decodeAcknowledgement,
  decodeDropped,
  decodeIdentity,
  decodeRing,
  decodeVersionText,
  type Ring,
} from '../codec/control.ts'
import { type FrameDecoder, FrameType } from '../codec/frame.ts'
import { parseVersion, type Version } from '../codec/version.ts'
import { InputError } from '../errors.ts'
import { decodeUtf8 } from '../record/encoding.ts'
import type { RunTaken } from '../record/run.ts'
import { makeSource, type Source } from '../record/source.ts'
import { RecordView } from '../record/view.ts'

/** Who takes what a stream holds. Records are handed out in place: see RecordView. */
export interface StreamHandler {
  /** A record that is whole and wanted. */
  record(record: RecordView): void
  /**
   * Records that follow each other, many at once: the view stands on the first, which has not been walked; what came lies behind
   * it, up to `available`. Whoever takes none of them, or only the first few, gets the next by `record`. Not asked where a
   * choice among records is made (`wanted`).
   */
  run?(first: RecordView, available: number): RunTaken | undefined
  /** Records that the sender did not keep. */
  dropped?(dropped: Dropped, source: Source): void
  /**
   * The ring behind a logfebe-2 stream.
   *
   * @returns the first sequence that will follow; without an answer the ring's own is taken
   */
  ring?(ring: Ring): bigint | undefined
  /** A frame that is malformed inside although its borders are right. Throw it to end the stream, or return to go on. */
  damage(error: InputError): void
}

/** What a stream has seen. */
export interface StreamCounts {
  frames: number
  /** Records in the stream, wanted or not. */
  records: number
  /** Records among them that were not wanted. */
  unwantedRecords: number
  /** Frames of a type that is not known. */
  unknownFrames: number
  /** Records with more fields than are known. */
  surplusRecords: number
  /** Records that the sender said it did not keep. */
  droppedBySender: bigint
}

/** Whether a record is wanted, by its severity and what stands before it; its head has been walked. */
export type Wanted = (record: RecordView) => boolean

const LARGEST = 2n ** 63n - 1n
/** Longest `V` or `I` frame: what they say goes with every record. */
const MOST_NAME_BYTES = 4096

/**
 * Follows one logfebe stream, from a connection or a dump: which server speaks, where its records stand in the order,
 * which of them are wanted.
 *
 *     V I L L …                 logfebe-1
 *     V I R [A] (L | D | H | K) …   logfebe-2, a dump or a journal segment
 *
 * `V` `I` may come again and rule what follows.
 */
export class LogStream {
  readonly counts: StreamCounts = {
    frames: 0,
    records: 0,
    unwantedRecords: 0,
    unknownFrames: 0,
    surplusRecords: 0,
    droppedBySender: 0n,
  }
  source: Source | undefined
  #version: Version | undefined
  #ring: Ring | undefined
  readonly #decoder: FrameDecoder
  readonly #handler: StreamHandler
  readonly #wanted: Wanted | undefined
  readonly #takesRuns: boolean
  readonly #record = new RecordView()
  readonly #sink: (type: number, bytes: Uint8Array, start: number, end: number) => void

  /**
   * @param wanted asked for every record; unwanted ones are counted and skipped
   */
  constructor(decoder: FrameDecoder, handler: StreamHandler, wanted?: Wanted) {
    this.#decoder = decoder
    this.#handler = handler
    this.#wanted = wanted
    this.#takesRuns = handler.run !== undefined && wanted === undefined
    this.#sink = (type, bytes, start, end) => this.#frame(type, bytes, start, end)
  }

  /**
   * Takes the next bytes.
   *
   * @throws InputError when the stream cannot go on
   */
  push(chunk: Uint8Array): void {
    this.#decoder.push(chunk, this.#sink)
  }

  /** Bytes were lost, nobody knows how many records in them: what follows has no sequence until the stream says it. */
  lost(): void {
    this.#setSequence(-1n)
    // Without a sequence a record's place in the ring is unknown: its id must not pretend to come from there.
    if (this.#ring !== undefined) this.#setBoot(undefined)
  }

  /** Sequence of the record that comes next; undefined where records have none. */
  get nextSequence(): bigint | undefined {
    const { sequenceBase, sequenceOffset } = this.#record
    return sequenceBase < 0n ? undefined : sequenceBase + BigInt(sequenceOffset)
  }

  #frame(type: number, bytes: Uint8Array, start: number, end: number): void {
    this.counts.frames++
    if (type === FrameType.Record) return this.#log(bytes, start, end)
    switch (type) {
      case FrameType.Version:
        return this.#versionFrame(bytes, start, end)
      case FrameType.Identity:
        return this.#identityFrame(bytes, start, end)
      case FrameType.Ring:
        return this.#ringFrame(bytes, start, end)
      case FrameType.Acknowledge:
        this.#acknowledgeFrame(bytes, start, end)
        break
      case FrameType.Dropped:
        return this.#droppedFrame(bytes, start, end)
      case FrameType.Heartbeat:
      case FrameType.Checkpoint:
      // What was skipped in a live stream is said by whoever follows it.
      case FrameType.Place:
        break
      default:
        this.counts.unknownFrames++
    }
    // Whoever begins with something else does not speak logfebe, even if its bytes look like frames.
    if (this.#version === undefined) this.#refuse('unexpected_frame', 'the first frame is not a V frame')
  }

  #log(bytes: Uint8Array, start: number, end: number): void {
    if (this.source === undefined)
      return this.#refuse('unexpected_frame', 'a record came before its V and I frames')
    const record = this.#record
    record.reset(bytes, start, end)
    if (this.#takesRuns && this.#run(record)) return
    this.counts.records++
    if (!record.walkHead()) this.#refuse('malformed_record', 'a record ends in the middle of a field')
    else if (this.#wanted === undefined || this.#wanted(record)) {
      if (!record.walk()) this.#refuse('malformed_record', 'a record ends in the middle of a field')
      else {
        if (record.surplusBytes > 0) this.counts.surplusRecords++
        this.#handler.record(record)
      }
    } else this.counts.unwantedRecords++
    record.sequenceOffset++
  }

  /** Hands out as many records at once as are taken; returns whether any are. */
  #run(first: RecordView): boolean {
    const taken = this.#handler.run!(first, this.#decoder.available)
    if (taken === undefined) return false
    const { records, end } = taken
    this.#decoder.took(end)
    // This frame is counted already.
    this.counts.frames += records - 1
    this.counts.records += records
    first.sequenceOffset += records
    return true
  }

  #versionFrame(bytes: Uint8Array, start: number, end: number): void {
    const text = end - start > MOST_NAME_BYTES ? undefined : decodeVersionText(bytes, start, end)
    this.#version = text === undefined ? undefined : parseVersion(text)
    this.source = undefined
    this.#ring = undefined
    this.#setSequence(-1n)
    if (this.#version === undefined) {
      this.#refuse(
        'unsupported_protocol',
        'the V frame names no protocol that is known (logfebe-1, logfebe-2)',
      )
    }
  }

  #identityFrame(bytes: Uint8Array, start: number, end: number): void {
    const identity = decodeIdentity(bytes, start, end)
    if (this.#version === undefined)
      return this.#refuse('unexpected_frame', 'an I frame came before the V frame')
    if (identity === undefined || end - start > MOST_NAME_BYTES)
      return this.#refuse('malformed_frame', `the I frame has no end, or over ${MOST_NAME_BYTES} bytes`)
    this.source = makeSource(this.#version, decodeUtf8(identity))
    this.#record.source = this.source
  }

  #ringFrame(bytes: Uint8Array, start: number, end: number): void {
    const ring = decodeRing(bytes, start, end)
    if (this.source?.version.protocol !== 2)
      return this.#refuse('unexpected_frame', 'an R frame came out of place')
    if (ring === undefined || ring.bootId < 0n || ring.nextSequence < 0n) {
      return this.#refuse('malformed_frame', 'the R frame is too short or holds a negative number')
    }
    this.#ring = ring
    this.#setBoot(ring.bootId)
    this.#setSequence(this.#handler.ring?.(ring) ?? ring.nextSequence)
  }

  /** In a dump, what the listener answered: the records after it begin where it said. */
  #acknowledgeFrame(bytes: Uint8Array, start: number, end: number): void {
    const said: Acknowledgement | undefined = decodeAcknowledgement(bytes, start, end)
    const ring = this.#ring
    if (said === undefined || ring === undefined || said.bootId !== ring.bootId || said.sequence === LARGEST)
      return
    if (this.#record.sequenceOffset === 0 && said.sequence >= this.#record.sequenceBase) {
      this.#setSequence(said.sequence + 1n)
    }
  }

  #droppedFrame(bytes: Uint8Array, start: number, end: number): void {
    const dropped = decodeDropped(bytes, start, end)
    const ring = this.#ring
    if (this.source === undefined || ring === undefined)
      return this.#refuse('unexpected_frame', 'a D frame came before the R frame')
    if (
      dropped === undefined ||
      dropped.firstSequence < 0n ||
      dropped.firstSequence > LARGEST - dropped.count
    ) {
      return this.#refuse('malformed_frame', 'a D frame is too short or counts a negative number')
    }
    this.counts.droppedBySender += dropped.count
    if (this.source.bootId === undefined) this.#setBoot(ring.bootId)
    this.#setSequence(dropped.firstSequence + dropped.count)
    this.#handler.dropped?.(dropped, this.source)
  }

  #setBoot(bootId: bigint | undefined): void {
    const { version, identity } = this.source!
    this.source = makeSource(version, identity, bootId)
    this.#record.source = this.source
  }

  #setSequence(next: bigint): void {
    this.#record.sequenceBase = next
    this.#record.sequenceOffset = 0
  }

  #refuse(reason: InputError['reason'], message: string): void {
    this.#handler.damage(new InputError(reason, message, this.#decoder.offset))
  }
}
