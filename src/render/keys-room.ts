import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { RecordKey } from './record-keys.ts'

/** Bytes of what is short: numbers, times, constants, what an id adds to the session's. */
const SHORT_BYTES = 64
/** UTF-16 units become at most this many bytes. */
const UTF8_GROWTH = 3

/** Bytes that the values of keys take at the most. */
export class KeysRoom {
  readonly #sizeFields: readonly number[]
  readonly #identities: number
  readonly #versions: number
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
    const times = (name: string) => keys.filter((key) => key.name === name).length
    this.#sizeFields = keys.map(({ sizeField }) => sizeField).filter((field) => field >= 0)
    this.#identities = times('identity')
    this.#versions = times('server_version')
    this.#fixed = keys.reduce((sum, { name }) => sum + name.length + each + SHORT_BYTES, SHORT_BYTES)
    this.#growth = growth
  }

  /** For one record, which has been walked. */
  of(record: RecordView): number {
    const { source, spans } = record
    if (source !== this.#source) {
      const { identity, version } = source
      this.#source = source
      this.#shared =
        UTF8_GROWTH * (this.#identities * identity.length + this.#versions * version.server.length)
    }
    let bytes = this.#shared
    for (const field of this.#sizeFields) {
      if (record.has(field)) bytes += spans[2 * field + 1]! - spans[2 * field]!
    }
    return this.#growth * bytes + this.#fixed
  }
}
