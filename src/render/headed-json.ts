import { JsonEncoder } from '../record/json.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import type { Room } from '../record/room.ts'
import { longestText, shorten } from '../record/shorten.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import type { EnvelopeHead } from './envelope.ts'

/** How canonical JSON becomes what a destination's API takes. */
export interface HeadedJsonOptions {
  /** Writes the first keys of the object: `{"a":1,"b":2`. */
  readonly head: EnvelopeHead
  /**
   * What the canonical `timestamp` is called instead, where the destination means something else by that name; nine
   * letters, as many as it has.
   */
  readonly timestampAs?: string
  /** Most bytes of one object. */
  readonly mostBytes: number
  /** Most bytes of one text in it. */
  readonly mostText: number
}

const NEWLINE = 0x0a
const TIMESTAMP = 'timestamp'

/** What a text may take of the object, tried one after the other: with the last one even twenty fit. */
const SHARES = [0.9, 0.6, 0.3, 0.1, 0.04]

/**
 * Writes records as canonical JSON that begins with keys of the destination's own, a line each. One that is larger than
 * the destination takes has its longest texts cut, with a mark.
 */
export class HeadedJsonEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #options: HeadedJsonOptions
  readonly #timestampKey: Uint8Array

  constructor(options: HeadedJsonOptions) {
    const { timestampAs = TIMESTAMP } = options
    if (timestampAs.length !== TIMESTAMP.length) throw new RangeError(`"${timestampAs}" is of another length`)
    this.#options = options
    this.#timestampKey = new TextEncoder().encode(`,"${timestampAs}"`)
  }

  room(record: RecordView): number {
    return this.#options.head.room(record) + this.#json.room(record) + 1
  }

  encode(record: RecordView, out: Room, start: number): number {
    const { mostBytes, mostText } = this.#options
    const large = record.end - record.start > mostText && longestText(record) > mostText
    const end = large ? start + mostBytes + 1 : this.#write(record, out, start)
    return end - start <= mostBytes ? this.#endLine(out, end) : this.#writeShort(record, out, start)
  }

  #write(record: RecordView, out: Room, start: number): number {
    const at = this.#options.head.write(record, out, start)
    const end = this.#json.encode(record, out, at)
    // In place of the brace, and of the key behind it.
    out.bytes.set(this.#timestampKey, at)
    return end
  }

  #writeShort(given: RecordView, out: Room, start: number): number {
    const { mostBytes, mostText } = this.#options
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    let end = start
    for (const share of SHARES) {
      end = this.#write(shorten(record, Math.min(mostText, mostBytes * share)), out, start)
      if (end - start <= mostBytes) break
    }
    return this.#endLine(out, end)
  }

  #endLine(out: Room, end: number): number {
    out.bytes[end] = NEWLINE
    return end + 1
  }
}
