import type { Dropped } from '../codec/control.ts'
import type { Room } from '../record/room.ts'
import type { Run, RunRendered } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'

/** Writes records in one format, as bytes. One instance serves one stream of records and may remember between them. */
export interface Encoder {
  /** Bytes that `encode` may touch at the most for this record, its line end included. The record has been walked. */
  room(record: RecordView): number
  /**
   * Writes one record with its line end at `at`; there are `room(record)` bytes. The record has been walked.
   *
   * @returns the offset after the last byte
   */
  encode(record: RecordView, out: Room, at: number): number
  /**
   * Writes records that follow each other, many at once, as `encode` would write each; a format that has no way to do so faster
   * leaves this out.
   *
   * @returns what was done, up to the end of `out` at the most; undefined when the first has to be walked, and written by `encode`
   */
  encodeRun?(run: Run, out: Room, at: number): RunRendered | undefined
  /**
   * A new piece begins, which may become a file of its own: nothing that was written before may be needed to read it. A
   * format in which every record stands for itself leaves this out.
   */
  begin?(): void
  /** What the format writes for records that the sender did not keep; a format that cannot say so leaves this out. */
  encodeDropped?(dropped: Dropped, source: Source): Uint8Array
}

/** A way to write records. */
export interface Encoding {
  /** The same exactly when the bytes are. */
  readonly name: string
  /** Makes an encoder for one stream of records. */
  readonly encoder: () => Encoder
}

/** Formats that `--format` takes. */
export const FORMATS = ['pretty', 'json', 'jsonlog', 'csvlog', 'logfmt', 'stderr', 'prototext'] as const

/** A format's name; `template` is the one that `--template` asks for. */
export type Format = (typeof FORMATS)[number] | 'template'
