import { Field } from '../codec/fields.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { RecordKey } from './record-keys.ts'

/** Bytes of what is no text of the record's: numbers, names of severities and conditions, parts of ids. */
const SHORT_BYTES = 64
/** UTF-16 units become at most this many bytes. */
const UTF8_GROWTH = 3

/** Bytes that the values of keys take at the most. */
export class KeysRoom {
  /** How often the most frequent key is there. */
  readonly #times: number
  readonly #fixed: number
  readonly #growth: number
  #source: Source | undefined
  #shared = 0

  /**
   * @param keys one may be there several times
   * @param growth bytes that one of text becomes at the most
   * @param each bytes beside each value and the name of its key: quotes, what stands between two
   */
  constructor(keys: readonly RecordKey[], growth: number, each: number) {
    const counts = new Map<RecordKey, number>()
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    this.#times = Math.max(0, ...counts.values())
    this.#fixed = keys.reduce((sum, { name }) => sum + name.length + each + SHORT_BYTES, SHORT_BYTES)
    this.#growth = growth
  }

  /** For one record, which has been walked. */
  of(record: RecordView): number {
    const { source, spans } = record
    if (source !== this.#source) {
      this.#source = source
      this.#shared = UTF8_GROWTH * (source.identity.length + source.version.server.length)
    }
    // Different keys have different parts of the record, but for the session's id: it is a part of the unique id too.
    const session = spans[2 * Field.SessionId + 1]! - spans[2 * Field.SessionId]!
    const bytes = record.end - record.start + session + this.#shared
    return this.#growth * this.#times * bytes + this.#fixed
  }
}
