import type { Dropped } from '../codec/control.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Block } from './block.ts'

/** Where records are kept between the listener and the destinations. */
export interface Journal {
  /** Position of the oldest entry that is kept. */
  readonly start: number
  /** Position behind the last entry that was taken. */
  readonly end: number
  /** Everything below may be acknowledged to senders. */
  readonly durable: number
  /** Whether it can take no more at the moment: senders that can wait are made to, what others send is lost. */
  readonly full: boolean
  /**
   * Takes a record that has been walked. The view may be used again right after; the bytes under it must stay as they are
   * until `flush`.
   */
  append(record: RecordView): void
  /**
   * Takes records that follow each other, many at once: the view stands on the first, which has not been walked; what came lies
   * behind it, up to `available`. The bytes must stay as they are until `flush`.
   *
   * @returns what was taken; undefined when the first has to be walked, and come by `append`
   */
  appendRun(first: RecordView, available: number): RunTaken | undefined
  /** Takes word of records that a sender did not keep. */
  appendDropped(dropped: Dropped, source: Source): void
  /** There is no more input at the moment: what was taken is to be written and shown to readers. */
  flush(): void
  /**
   * A reader that begins at a position.
   *
   * @param seeks whether the place is looked for in its segment, in place of reading everything in front of it
   */
  reader(position: number, seeks?: boolean): JournalReader
  /** A position in front of everything that was received at a time or later, in milliseconds since 1970; reads little. */
  seek(timeMs: number): Promise<number>
  /** Shows entries as they are taken, before they can be read. */
  tap(tap: JournalTap): void
  /** Calls back when there is more to read. */
  onReadable(callback: () => void): void
  /** Calls back when `durable` or `full` has changed. */
  onProgress(callback: () => void): void
  /** Every destination has settled everything below a position: it may be the first to go when space is short. */
  settled(position: number): void
  /** What stands in it, for people and machines. */
  status(): JournalStatus
  /** Bytes between a position and the end, roughly. */
  bytesAfter(position: number): number
  /**
   * Writes what was taken, as far as that is possible within the time, and lets go of everything.
   *
   * @returns entries that were taken and could not be written
   */
  close(timeoutMs: number): Promise<number>
}

/** Sees entries as they are taken, each with the position of its block and its number in it, from 1. */
export interface JournalTap {
  /** A record that has been walked; the view is used again right after. */
  record(record: RecordView, position: number, entry: number): void
  /** Records that follow each other, many at once, the first of which has this number: see `Journal.appendRun`. */
  run(first: RecordView, available: number, position: number, entry: number): RunTaken | undefined
  /** Word of records that a sender did not keep. */
  dropped(dropped: Dropped, source: Source, position: number, entry: number): void
  /** A block has all its entries; it can be read once it is written. */
  closed(block: Block): void
}

/** What stands in a journal. */
export interface JournalStatus {
  readonly kind: 'disk' | 'memory'
  readonly folder: string | undefined
  readonly bytes: number
  readonly segments: number
  /** When the oldest that is kept was written, in milliseconds since 1970. */
  readonly oldestMs: number | undefined
  readonly state: 'ok' | 'full' | 'failing'
  readonly lastError: string | undefined
  /** Bytes of damaged blocks that were passed over since the start. */
  readonly damagedBytes: number
  /** Bytes of an unfinished write that were cut off at the start. */
  readonly cutBytes: number
  readonly syncs: number
}

/** Entries that a reader will never see. */
export interface Gap {
  readonly from: number
  readonly to: number
  /** Removed by the limits of the journal, or damaged or lost on the disk. */
  readonly reason: 'retention' | 'damaged'
}

/** Reads a journal from a position to its end, block by block; each destination has its own. */
export interface JournalReader {
  /** Position of the next entry that it will show. */
  readonly position: number
  /**
   * The next block, without waiting: its first entries may lie before `position`, which is then the block's own. Undefined at
   * the end, and when `load` has to be awaited first.
   */
  take(): Taken | undefined
  /** Whether there is more, and `load` would bring it. */
  readonly behind: boolean
  /** Reads from the disk. Trouble is reported by the journal; it never rejects. */
  load(): Promise<void>
  close(): void
}

/** A block as a reader gets it. */
export interface Taken {
  /** Its bytes may be used until something is awaited. It has no entries, nor bytes, where a gap reaches up to the end. */
  readonly block: Block
  /** Entries at its beginning that were shown before. */
  readonly skip: number
  /** What is missing in front of it. */
  readonly gap: Gap | undefined
}
