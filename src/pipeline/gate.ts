import type { RecordView } from '../record/view.ts'

/** Decides which records of a stream pass, and may add records of its own. It remembers: one serves one stream. */
export interface Gate {
  /**
   * Whether a record passes; it has been walked.
   *
   * @param note is given the records that belong in front of it; each is valid during the call only
   */
  admit(record: RecordView, note: (record: RecordView) => void): boolean
}
