import { JsonEncoder } from '../../record/json.ts'
import { timeMicros } from '../../record/log-time.ts'
import { cutTexts } from '../../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'

/** Bytes of UTF-8 that a column may hold; Azure cuts what is longer, without a word. */
export const MOST_FIELD_BYTES = 64 * 1024
/** Bytes that a call may have, before it is compressed and after. */
export const MOST_CALL_BYTES = 1_000_000
/** Bytes that a row may have, with the brackets around it. */
const MOST_ROW_BYTES = MOST_CALL_BYTES - 2

const COMMA = 0x2c
const NEWLINE = 0x0a
const CLOSE = pieceOf('Z",')
/** `{"TimeGenerated":"2026-03-01T12:00:00.123456Z",`, and what pieces overshoot. */
const HEAD_ROOM = 64
const MICROS_IN_SECOND = 1_000_000

/**
 * Writes a record as one row of a table, a line: `TimeGenerated`, then the keys of the canonical JSON. A text that is longer
 * than a column may be is cut, and says so.
 */
export class AzureRowEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #now: () => number
  #second = Number.NaN
  #head: Piece = pieceOf('')

  /** @param now milliseconds since 1970, for records that do not say when they were written */
  constructor(now: () => number) {
    this.#now = now
  }

  room(record: RecordView): number {
    return this.#json.room(record) + HEAD_ROOM
  }

  encode(record: RecordView, out: Room, at: number): number {
    const body = this.#writeTime(out, at, timeMicros(record) ?? this.#now() * 1000)
    // The JSON's brace falls on the comma, which takes its place again.
    let end = this.#json.encode(this.#fitting(record), out, body - 1)
    for (let most = MOST_FIELD_BYTES / 2; end - at > MOST_ROW_BYTES; most /= 2)
      end = this.#json.encode(cutTexts(record, most), out, body - 1)
    out.bytes[body - 1] = COMMA
    out.bytes[end] = NEWLINE
    return end + 1
  }

  /** The record itself, or a copy in which no text is too long. */
  #fitting(record: RecordView): RecordView {
    // A byte of another encoding, or one that is none, becomes three of UTF-8 at the most.
    return 3 * (record.end - record.start) <= MOST_FIELD_BYTES ? record : cutTexts(record, MOST_FIELD_BYTES)
  }

  #writeTime(out: Room, at: number, micros: number): number {
    const second = Math.floor(micros / MICROS_IN_SECOND)
    if (second !== this.#second) {
      this.#second = second
      this.#head = pieceOf(`{"TimeGenerated":"${new Date(second * 1000).toISOString().slice(0, 20)}`)
    }
    at = writePiece(out, at, this.#head)
    let rest = micros - second * MICROS_IN_SECOND
    for (let digit = at + 5; digit >= at; digit--) {
      out.bytes[digit] = 0x30 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    return writePiece(out, at + 6, CLOSE)
  }
}
