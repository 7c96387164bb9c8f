import { FIELD_COUNT, Field, HEAD_FIELDS, readInt32, readInt64, walkFields } from '../codec/fields.ts'
import { rankOf, SEVERITIES, type Severity } from '../codec/severity.ts'
import { type Decode, decoderOf, decodeUtf8, isUtf8 } from './encoding.ts'
import type { Source } from './source.ts'

/** The bytes of "UTF8" as one word. */
const UTF8_NAME = 0x55544638

/** Leaves room for more records than any run has before a number would lose digits. */
const MOST_START = BigInt(Number.MAX_SAFE_INTEGER) / 2n

/**
 * One log record, seen in place: a window on received bytes that finds fields when asked, and makes a value of one when
 * asked for that one.
 *
 * A view is used again for the next record, so nothing may keep it (or bytes that it hands out) past the call that
 * received it.
 */
export class RecordView {
  bytes: Uint8Array = new Uint8Array(0)
  /** The same bytes as unaligned words. */
  words: DataView = new DataView(this.bytes.buffer)
  /** First byte of the payload; the frame's header stands right before it. */
  start = 0
  end = 0
  source!: Source
  /** `sequenceBase` as a number: -1 when records have no sequence, NaN when it is past what a number holds. */
  sequenceStart = -1
  /** Records since `sequenceBase`. Kept apart because a number is cheaper to advance than a bigint. */
  sequenceOffset = 0
  /** Bytes after the last known field: a newer sender's additions. Valid after `walk`. */
  surplusBytes = 0
  /** Where each field lies: see walkFields. */
  readonly spans = new Int32Array(2 * FIELD_COUNT[2])
  /** The same bytes once more, made when it is first asked for. */
  #buffer: Buffer = Buffer.alloc(0)
  #bufferOf: Uint8Array | undefined
  #walked = 0
  #next = 0
  #sequenceBase = -1n

  /** Sequence of the first record of this run (logfebe-2), see `sequence`; -1 when records have none. */
  get sequenceBase(): bigint {
    return this.#sequenceBase
  }

  set sequenceBase(base: bigint) {
    this.#sequenceBase = base
    // Bigints are compared and converted slowly: that is done here, once for many records.
    this.sequenceStart = base < 0n ? -1 : base <= MOST_START ? Number(base) : Number.NaN
  }

  /** Points the view at another payload. Nothing is looked at yet. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes
      this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    this.start = start
    this.end = end
    this.#walked = 0
    this.#next = start
  }

  /** Points the view at a payload of which every field is known: `spans` has been filled. */
  resetWalked(bytes: Uint8Array, start: number, end: number, surplusBytes: number): void {
    this.reset(bytes, start, end)
    this.#walked = FIELD_COUNT[this.source.version.protocol]
    this.#next = end - surplusBytes
    this.surplusBytes = surplusBytes
  }

  /**
   * Finds the fields up to ELevel: enough for severity, database and user.
   *
   * @returns false when the payload is malformed that far
   */
  walkHead(): boolean {
    return this.#walked >= HEAD_FIELDS || this.#walkTo(HEAD_FIELDS)
  }

  /**
   * Finds every field.
   *
   * @returns false when the payload is malformed
   */
  walk(): boolean {
    const count = FIELD_COUNT[this.source.version.protocol]
    if (this.#walked < count && !this.#walkTo(count)) return false
    this.surplusBytes = this.end - this.#next
    return true
  }

  #walkTo(count: number): boolean {
    const next = walkFields(this.bytes, this.words, this.#next, this.end, this.spans, this.#walked, count)
    if (next < 0) return false
    this.#walked = count
    this.#next = next
    return true
  }

  /** Whether the record's protocol has the field at all, and the field is not null. Call `walk` first. */
  has(field: number): boolean {
    return field < FIELD_COUNT[this.source.version.protocol] && this.spans[2 * field]! >= 0
  }

  /** A string field's text by the record's encoding; null when absent. Call `walk` first. */
  text(field: number): string | null {
    if (!this.has(field)) return null
    const start = this.spans[2 * field]!
    const end = this.spans[2 * field + 1]!
    if (!this.isUtf8()) return this.decoder()(this.bytes.subarray(start, end))
    // What a decoder makes of it too, without a view on the bytes in between: half the time.
    return this.buffer().toString('utf8', start, end)
  }

  /** `bytes` as a Buffer. */
  buffer(): Buffer {
    if (this.#bufferOf !== this.bytes) {
      const { buffer, byteOffset, length } = this.bytes
      this.#buffer = Buffer.from(buffer, byteOffset, length)
      this.#bufferOf = this.bytes
    }
    return this.#buffer
  }

  /** A string field's bytes as they came; null when absent. Call `walk` first. */
  raw(field: number): Uint8Array | null {
    if (!this.has(field)) return null
    return this.bytes.subarray(this.spans[2 * field]!, this.spans[2 * field + 1]!)
  }

  /** An int32 field. Call `walk` (or `walkHead`) first. */
  int32(field: number): number {
    return readInt32(this.bytes, this.spans[2 * field]!)
  }

  /** An int64 field, every digit. Call `walk` (or `walkHead`) first. */
  int64(field: number): bigint {
    return readInt64(this.bytes, this.spans[2 * field]!)
  }

  /** Index of the record's severity in SEVERITIES. Call `walkHead` first. */
  severityRank(): number {
    return rankOf(this.source.ranks, readInt32(this.bytes, this.spans[2 * Field.ELevel]!))
  }

  /** The record's severity by the sending server's version. Call `walkHead` first. */
  severity(): Severity {
    return SEVERITIES[this.severityRank()]!
  }

  /** Place in the sender's order, from the ring's first record; undefined in logfebe-1. */
  get sequence(): bigint | undefined {
    return this.sequenceStart === -1 ? undefined : this.#sequenceBase + BigInt(this.sequenceOffset)
  }

  /** PostgreSQL's name of the encoding of this record's text; empty when the protocol does not say. */
  encoding(): string {
    const { spans } = this
    if (this.source.version.protocol === 1) return ''
    const start = spans[2 * Field.Encoding]!
    let name = ''
    const end = Math.min(spans[2 * Field.Encoding + 1]!, start + 32)
    for (let at = start; at < end; at++) name += String.fromCharCode(this.bytes[at]!)
    return name
  }

  /** Whether the record's text is UTF-8 (or not named otherwise) and may be copied byte by byte. */
  isUtf8(): boolean {
    if (this.source.version.protocol === 1) return true
    const start = this.spans[2 * Field.Encoding]!
    const { bytes } = this
    // "UTF8", by far the usual answer, without making a string of it.
    const length = this.spans[2 * Field.Encoding + 1]! - start
    if (length === 4 && readInt32(bytes, start) === UTF8_NAME) return true
    return isUtf8(this.encoding())
  }

  /** Decoder of the record's text. */
  decoder(): Decode {
    return this.isUtf8() ? decodeUtf8 : decoderOf(this.encoding())
  }
}
