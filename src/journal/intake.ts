import type { Clock } from '../clock.ts'
import type { Dropped } from '../codec/control.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { BlockBuilder, ClosedBlock } from './block.ts'
import type { JournalTap } from './journal.ts'

/** Puts what comes into blocks, one after the other, and shows it to the taps. */
export class Intake {
  /** Position behind the last entry. */
  end: number
  readonly #open: BlockBuilder
  readonly #clock: Clock
  readonly #closed: (block: ClosedBlock) => void
  readonly #taps: JournalTap[] = []

  /**
   * @param end position of the first entry that will come
   * @param closed gets every block that has all its entries
   */
  constructor(open: BlockBuilder, end: number, clock: Clock, closed: (block: ClosedBlock) => void) {
    this.#open = open
    this.end = end
    this.#clock = clock
    this.#closed = closed
  }

  /** Bytes of the block that is being filled. */
  get bytes(): number {
    return this.#open.length
  }

  /** Whether the block that is being filled has no entry yet. */
  get empty(): boolean {
    return this.#open.entries === 0
  }

  /** Shows everything that comes from now on. */
  tap(tap: JournalTap): void {
    this.#taps.push(tap)
  }

  /** Takes a record that has been walked; its bytes must stay as they are until `settle` or `close`. */
  append(record: RecordView): void {
    const open = this.#open
    if (!open.fits(record)) this.close()
    open.add(record)
    this.end++
    const { entries } = open
    for (const tap of this.#taps) tap.record(record, this.end - entries, entries)
  }

  /** Takes many records at once, if there is just one tap, and it does: see `Journal.appendRun`. */
  appendRun(first: RecordView, available: number): RunTaken | undefined {
    const [tap, another] = this.#taps
    if (tap === undefined || another !== undefined) return undefined
    const open = this.#open
    if (!open.fits(first)) this.close()
    const { entries } = open
    const end = Math.min(available, first.start - FRAME_HEADER_BYTES + open.roomForRun(first))
    const taken = tap.run(first, end, this.end - entries, entries + 1)
    if (taken === undefined) return undefined
    open.addRun(first, taken)
    this.end += taken.records
    return taken
  }

  /** Takes word of records that a sender did not keep. */
  appendDropped(dropped: Dropped, source: Source): void {
    const open = this.#open
    if (!open.fitsDropped(dropped, source)) this.close()
    open.addDropped(dropped, source)
    this.end++
    const { entries } = open
    for (const tap of this.#taps) tap.dropped(dropped, source, this.end - entries, entries)
  }

  /** The bytes in which records came are used again from now on. */
  settle(): void {
    this.#open.settle()
  }

  /** Ends the block that is being filled, if there is anything in it. */
  close(): void {
    if (this.empty) return
    const block = this.#open.close(this.end - this.#open.entries, this.#clock.now())
    for (const tap of this.#taps) tap.closed(block)
    this.#closed(block)
  }
}
