import { Field } from '../codec/fields.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import { encodeLog } from '../codec/log.ts'
import { elevelOf } from '../codec/severity.ts'
import { fnv1aHex } from '../fnv1a.ts'
import { makeSource, type Source } from '../record/source.ts'
import { RecordView } from '../record/view.ts'
import type { RateLimitOptions } from './rate-limit.ts'

/** The format string of such records: by this they are found among others. */
export const SUPPRESSED_FORMAT = 'pgturret: left out %s more records of "%s" (rate limit %s)'

const MOST_TIME = 64

/** When and where from a record was, kept beyond the record itself. */
export class Moment {
  source: Source | undefined
  readonly #time = new Uint8Array(MOST_TIME)
  #length = 0
  readonly #micros = new DataView(new ArrayBuffer(8))

  /** Keeps those of a record that has been walked. Called for every record that is left out: it makes no object. */
  take({ source, bytes, words, spans }: RecordView): void {
    this.source = source
    const start = spans[2 * Field.LogTime]!
    this.#length = Math.min(spans[2 * Field.LogTime + 1]! - start, MOST_TIME)
    for (let i = 0; i < this.#length; i++) this.#time[i] = bytes[start + i]!
    if (source.version.protocol === 1) return
    const at = spans[2 * Field.TimeMicros]!
    this.#micros.setInt32(0, words.getInt32(at))
    this.#micros.setInt32(4, words.getInt32(at + 4))
  }

  /** As the server wrote it. */
  get logTime(): Uint8Array {
    return this.#time.subarray(0, this.#length)
  }

  get micros(): bigint {
    return this.#micros.getBigInt64(0)
  }
}

/** Makes records that say how many others a rate limit has left out. */
export class SuppressedNote {
  readonly #view = new RecordView()
  readonly #limit: string
  #of: Source | undefined
  #source: Source | undefined

  constructor({ records, perMs }: RateLimitOptions) {
    this.#limit = `${records}/${perMs % 1000 === 0 ? `${perMs / 1000}s` : `${perMs}ms`}`
  }

  /**
   * A record that says so.
   *
   * @param moment of the record in front of which it stands, or of the last one: it comes from the same server
   * @param message what the message is called; empty for many together
   * @param startedMs when the window began: the same window comes to the same id
   * @returns a record without a place in the sender's order, valid until the next call; it has been walked
   */
  about(moment: Moment, message: string, suppressed: number, startedMs: number): RecordView {
    const source = moment.source!
    const { version } = source
    const called = message === '' ? 'other messages' : message
    const what = `${suppressed} more ${suppressed === 1 ? 'record' : 'records'}`
    const fields = {
      LogTime: moment.logTime,
      SessionId: `rate-limit.${startedMs.toString(16)}.${fnv1aHex(message)}`,
      SeqNum: BigInt(suppressed),
      ELevel: elevelOf(version.major, 'LOG'),
      SQLState: '00000',
      ErrMessage: `pgturret: left out ${what} of "${called}" (rate limit ${this.#limit})`,
      ...(version.protocol === 1
        ? {}
        : {
            TimeMicros: moment.micros,
            BackendType: 'pgturret',
            MessageId: SUPPRESSED_FORMAT,
            Encoding: 'UTF8',
          }),
    }
    const bytes = encodeLog(fields, version.protocol)
    const view = this.#view
    view.source = this.#sourceOf(source)
    view.reset(bytes, FRAME_HEADER_BYTES, bytes.length)
    view.walk()
    return view
  }

  /** The same server, without its ring: there is no place in it for what it did not write. */
  #sourceOf(source: Source): Source {
    if (source !== this.#of) {
      this.#of = source
      this.#source = makeSource(source.version, source.identity)
    }
    return this.#source!
  }
}
