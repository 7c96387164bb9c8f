import { writeNumber } from '../../record/digits.ts'
import { JsonEncoder } from '../../record/json.ts'
import { writeJsonText } from '../../record/json-text.ts'
import { timeMicros } from '../../record/log-time.ts'
import { cutTexts } from '../../record/recode.ts'
import { pieceOf, type Room, roomOf, writePiece } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'

/** CloudWatch counts so many bytes for an event beside its message. */
const EVENT_OVERHEAD = 26
/** Bytes of UTF-8 that a message may have: an event, as it is counted, must fit into a call. */
export const MOST_MESSAGE_BYTES = 1_048_576 - EVENT_OVERHEAD

const TIMESTAMP = '{"timestamp":'
const HEAD = pieceOf(TIMESTAMP)
const MESSAGE = pieceOf(',"message":"')
const END = pieceOf('"},')
/** Head, digits, end, and what pieces and words overshoot. */
const FIXED_ROOM = 64
/** A scratch buffer that has grown past this is not kept. */
const KEPT_SCRATCH = 256 * 1024

/**
 * Writes a record as one element of PutLogEvents' `logEvents`, the comma behind it included: the time in milliseconds, and
 * the record's canonical JSON as the message. A message over the limit has its longest texts cut.
 *
 * The element is always longer than what CloudWatch counts of it, so a limit on its bytes keeps CloudWatch's.
 */
export class CloudWatchEventEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #now: () => number
  #scratch = roomOf(new Uint8Array(16 * 1024))

  /** @param now milliseconds since 1970, for records that do not say when they were written */
  constructor(now: () => number) {
    this.#now = now
  }

  room(record: RecordView): number {
    // Of JSON nothing but quotes and backslashes is escaped again, by one byte each.
    return 2 * Math.min(this.#json.room(record), MOST_MESSAGE_BYTES) + FIXED_ROOM
  }

  encode(record: RecordView, out: Room, at: number): number {
    const length = this.#writeMessage(record)
    const micros = timeMicros(record)
    const millis = micros === undefined ? this.#now() : Math.floor(micros / 1000)
    at = writeNumber(out.bytes, writePiece(out, at, HEAD), millis)
    at = writeJsonText(out, writePiece(out, at, MESSAGE), this.#scratch, 0, length)
    at = writePiece(out, at, END)
    if (this.#scratch.bytes.length > KEPT_SCRATCH) this.#scratch = roomOf(new Uint8Array(16 * 1024))
    return at
  }

  /** Writes the record's JSON to the scratch buffer; returns its length. */
  #writeMessage(record: RecordView): number {
    let length = this.#writeJson(record)
    // What a text grows by in JSON depends on what it holds: shorter and shorter, until it fits.
    for (let most = MOST_MESSAGE_BYTES / 2; length > MOST_MESSAGE_BYTES; most /= 2)
      length = this.#writeJson(cutTexts(record, Math.floor(most)))
    return length
  }

  #writeJson(record: RecordView): number {
    const room = this.#json.room(record)
    if (this.#scratch.bytes.length < room) this.#scratch = roomOf(new Uint8Array(2 * room))
    return this.#json.encode(record, this.#scratch, 0)
  }
}

/** The time of an event that the encoder wrote at `at`, in milliseconds. */
export function eventMillis(bytes: Uint8Array, at: number): number {
  let millis = 0
  for (let i = at + TIMESTAMP.length; bytes[i]! !== 0x2c; i++) millis = millis * 10 + bytes[i]! - 0x30
  return millis
}
