import type { Dropped } from '../../codec/control.ts'
import type { InputError } from '../../errors.ts'
import type { Wanted } from '../../ingest/stream.ts'
import type { Source } from '../../record/source.ts'
import type { RecordView } from '../../record/view.ts'

/** Takes what a recording holds. An entry is a record or word of records that a sender did not keep. */
export interface EntryHandler {
  /** A record that is wanted, and the position behind it. */
  record(record: RecordView, position: number): void
  /** Word of records that a sender did not keep. */
  dropped?(dropped: Dropped, source: Source, position: number): void
}

/** What was read. records = wanted + filtered + malformed. */
export interface EntryCounts {
  records: number
  /** Left out by the selection. */
  filtered: number
  /** Damaged inside, so that nobody can tell what they say. */
  malformed: number
  /** Records that senders say that they did not keep. */
  droppedBySender: bigint
}

/**
 * Counts the entries of a recording as they go by: a position in it is the count of entries before. What is not before the
 * position to begin with is handed on, where it is wanted.
 */
export class Entries {
  /** Behind the entry that was seen last. */
  position = 0
  readonly counts: EntryCounts = { records: 0, filtered: 0, malformed: 0, droppedBySender: 0n }
  /** Entries before it are passed over. */
  readonly from: number
  readonly #selected: Wanted | undefined
  readonly #handler: EntryHandler
  /** A record is being taken apart that was counted. */
  #underway = false

  constructor(from: number, selected: Wanted | undefined, handler: EntryHandler) {
    this.from = from
    this.#selected = selected
    this.#handler = handler
  }

  /** To be asked for every record. */
  readonly wanted: Wanted = (record) => {
    if (++this.position <= this.from) return false
    this.counts.records++
    if (this.#selected !== undefined && !this.#selected(record)) {
      this.counts.filtered++
      return false
    }
    this.#underway = true
    return true
  }

  /** Takes a record that is wanted. */
  readonly record = (record: RecordView): void => {
    this.#underway = false
    this.#handler.record(record, this.position)
  }

  /** Takes word of records that a sender did not keep. */
  readonly dropped = (dropped: Dropped, source: Source): void => {
    if (++this.position <= this.from) return
    this.counts.droppedBySender += dropped.count
    this.#handler.dropped?.(dropped, source, this.position)
  }

  /**
   * Takes note of damage.
   *
   * @returns whether it is news: not what an earlier run has reported
   */
  damage({ reason }: InputError): boolean {
    if (reason !== 'malformed_record') return this.position >= this.from
    if (!this.#underway && ++this.position > this.from) this.counts.records++
    this.#underway = false
    if (this.position <= this.from) return false
    this.counts.malformed++
    return true
  }
}
