import { Field, readInt32 } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import { Moment, SuppressedNote } from './suppressed-note.ts'

/** At most so many records of one message in so much time. */
export interface RateLimitOptions {
  readonly records: number
  readonly perMs: number
}

/** What one message has come to in the present window. */
interface Tally {
  passed: number
  suppressed: number
}

/** Messages that are told apart in one window; the rest share one limit. */
const MOST_MESSAGES = 4096
const OTHERS = ''
/** Longest name of a message. */
const MOST_NAME = 200

/**
 * Lets only so many records of each message pass in a window of time, and says with a record of its own how many it did not.
 *
 * Time is the records' own, cut into windows that begin at multiples of their length: a recording that is replayed comes to
 * the same. What was left out in a window is said in front of the first record of a later one, whatever that record is.
 */
export class RateLimit {
  readonly #records: number
  readonly #perMs: number
  readonly #note: SuppressedNote
  readonly #tallies = new Map<string, Tally>()
  #window = Number.NEGATIVE_INFINITY
  #suppressed = 0
  /** Of the record that was left out last. */
  readonly #last = new Moment()

  constructor({ records, perMs }: RateLimitOptions) {
    this.#records = records
    this.#perMs = perMs
    this.#note = new SuppressedNote({ records, perMs })
  }

  /**
   * Whether a record may pass; it has been walked.
   *
   * @param note is given the records that belong in front of it; each is valid during the call only
   */
  admit(record: RecordView, note: (record: RecordView) => void): boolean {
    const window = Math.floor(timeOf(record) / this.#perMs)
    // Sessions write side by side: one that is a little late belongs to what is open. A jump back is another recording.
    if (window > this.#window || window < this.#window - 1) {
      if (this.#suppressed > 0) {
        this.#last.take(record)
        this.#tell(note)
      }
      this.#window = window
      this.#tallies.clear()
    }
    const tally = this.#tallyOf(record)
    if (tally.passed < this.#records) {
      tally.passed++
      return true
    }
    tally.suppressed++
    this.#suppressed++
    this.#last.take(record)
    return false
  }

  /** Nothing follows: word of what was left out and not said yet. */
  finish(note: (record: RecordView) => void): void {
    this.#tell(note)
    this.#window = Number.NEGATIVE_INFINITY
    this.#tallies.clear()
  }

  #tell(note: (record: RecordView) => void): void {
    if (this.#suppressed === 0) return
    this.#suppressed = 0
    const startedMs = this.#window * this.#perMs
    for (const [message, { suppressed }] of this.#tallies) {
      if (suppressed > 0) note(this.#note.about(this.#last, message, suppressed, startedMs))
    }
  }

  #tallyOf(record: RecordView): Tally {
    const message = messageOf(record)
    let tally = this.#tallies.get(message)
    if (tally !== undefined) return tally
    const key = this.#tallies.size < MOST_MESSAGES ? message : OTHERS
    tally = this.#tallies.get(key) ?? { passed: 0, suppressed: 0 }
    this.#tallies.set(key, tally)
    return tally
  }
}

/** What a message is called: its format string; where there is none, its text up to the first digit or quotation mark. */
function messageOf(record: RecordView): string {
  const { bytes, spans, source } = record
  const hasFormat = source.version.protocol === 2 && spans[2 * Field.MessageId]! >= 0
  const field = hasFormat ? Field.MessageId : Field.ErrMessage
  const start = spans[2 * field]!
  if (start < 0) return '(no message)'
  const last = Math.min(spans[2 * field + 1]!, start + MOST_NAME)
  let end = last
  if (!hasFormat) for (end = start; end < last && !endsName(bytes[end]!); ) end++
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}

const endsName = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || byte === 0x22 || byte === 0x27 || byte >= 0x80

/** When a record was written, in milliseconds; without a time zone where only the text says it. */
function timeOf(record: RecordView): number {
  const { bytes, spans, source } = record
  if (source.version.protocol === 2) {
    const at = spans[2 * Field.TimeMicros]!
    const micros = readInt32(bytes, at) * 2 ** 32 + (readInt32(bytes, at + 4) >>> 0)
    if (Number.isSafeInteger(micros)) return micros / 1000
  }
  const start = spans[2 * Field.LogTime]!
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, spans[2 * Field.LogTime + 1]! - start)
  const parsed = Date.parse(`${text.toString('latin1').slice(0, 23).replace(' ', 'T')}Z`)
  return Number.isNaN(parsed) ? 0 : parsed
}
