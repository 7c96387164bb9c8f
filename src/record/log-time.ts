import { Field, readInt32 } from '../codec/fields.ts'
import type { RecordView } from './view.ts'

const ZERO = 0x30
/** `2026-03-01 12:00:00.001` */
const TIME_BYTES = 23
const PUNCTUATION = [
  [4, 0x2d],
  [7, 0x2d],
  [10, 0x20],
  [13, 0x3a],
  [16, 0x3a],
  [19, 0x2e],
] as const
const UTC = [' UTC', ' GMT']

/** Later years have more than four digits, and no log has them. */
const LATEST = Date.UTC(9999, 0) * 1000

function fromNumber({ bytes, spans }: RecordView): number {
  const at = spans[2 * Field.TimeMicros]!
  return readInt32(bytes, at) * 2 ** 32 + (readInt32(bytes, at + 4) >>> 0)
}

/** Reads when records were said, without making objects or texts of them. */
export class LogTimes {
  /** Whether a record was met whose time is in a time zone of which only the name is known: it is taken for UTC. */
  zoned = false
  #day = -1
  #dayMicros = Number.NaN

  /** Microseconds since 1970, NaN when the record does not say, or nothing sensible. Call `walk` first. */
  micros(record: RecordView): number {
    const micros = record.source.version.protocol === 1 ? this.#fromText(record) : fromNumber(record)
    return micros > 0 && micros < LATEST ? micros : Number.NaN
  }

  #fromText({ bytes, spans }: RecordView): number {
    const at = spans[2 * Field.LogTime]!
    const end = spans[2 * Field.LogTime + 1]!
    if (end - at < TIME_BYTES) return Number.NaN
    for (const [place, byte] of PUNCTUATION) if (bytes[at + place] !== byte) return Number.NaN
    if (!this.zoned) {
      const zone = Buffer.from(bytes.buffer, bytes.byteOffset + at + TIME_BYTES, end - at - TIME_BYTES)
      this.zoned = !UTC.includes(zone.toString('latin1'))
    }
    const two = (place: number) => (bytes[at + place]! - ZERO) * 10 + bytes[at + place + 1]! - ZERO
    const millis = (bytes[at + 20]! - ZERO) * 100 + two(21)
    const seconds = two(11) * 3600 + two(14) * 60 + two(17)
    return this.#midnight(two(0) * 100 + two(2), two(5), two(8)) + seconds * 1e6 + millis * 1000
  }

  /** Working a date out is slow, and most records are of the same day. */
  #midnight(year: number, month: number, day: number): number {
    const key = (year * 100 + month) * 100 + day
    if (key !== this.#day) {
      this.#day = key
      this.#dayMicros = Date.UTC(year, month - 1, day) * 1000
    }
    return this.#dayMicros
  }
}
