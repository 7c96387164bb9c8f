import { type Clock, systemClock } from '../clock.ts'
import type { Dropped } from '../codec/control.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import { type Block, BlockBuilder, BlockPool } from './block.ts'
import { Intake } from './intake.ts'
import type { Journal, JournalReader, JournalStatus, JournalTap, Taken } from './journal.ts'
import { Tail } from './tail.ts'

/**
 * A journal that is gone with the process. An entry is acknowledged when every destination has settled it, and forgotten
 * then; full, it makes senders wait.
 */
export class MemoryJournal implements Journal {
  /** Everything below is settled everywhere. */
  durable = 0
  readonly #maxBytes: number
  readonly #pool = new BlockPool()
  readonly #tail = new Tail(this.#pool)
  readonly #intake: Intake
  readonly #readable = new Set<() => void>()
  readonly #progress = new Set<() => void>()
  #visible = 0

  /** @param maxBytes records that are kept at the most */
  constructor(maxBytes: number, clock: Clock = systemClock) {
    this.#maxBytes = maxBytes
    // What never leaves the memory needs no checkpoints.
    this.#intake = new Intake(new BlockBuilder(this.#pool, false), 0, clock, (block) => this.#show(block))
  }

  get end(): number {
    return this.#intake.end
  }

  get start(): number {
    return this.#tail.start ?? this.#visible
  }

  get full(): boolean {
    return this.#tail.bytes + this.#intake.bytes >= this.#maxBytes
  }

  append(record: RecordView): void {
    this.#intake.append(record)
  }

  appendRun(first: RecordView, available: number): RunTaken | undefined {
    return this.#intake.appendRun(first, available)
  }

  appendDropped(dropped: Dropped, source: Source): void {
    this.#intake.appendDropped(dropped, source)
  }

  flush(): void {
    this.#intake.close()
  }

  reader(position: number): JournalReader {
    return new MemoryReader(this.#tail, () => this.#visible, Math.max(position, this.start))
  }

  async seek(timeMs: number): Promise<number> {
    let { start } = this
    for (let block = this.#tail.at(start); block !== undefined && block.timeMs < timeMs; ) {
      start = block.position + block.entries
      block = this.#tail.at(start)
    }
    return start
  }

  tap(tap: JournalTap): void {
    this.#intake.tap(tap)
  }

  onReadable(callback: () => void): void {
    this.#readable.add(callback)
  }

  onProgress(callback: () => void): void {
    this.#progress.add(callback)
  }

  settled(position: number): void {
    if (position <= this.durable) return
    this.durable = position
    this.#tail.trim(0, position)
    for (const callback of this.#progress) callback()
  }

  status(): JournalStatus {
    return {
      kind: 'memory',
      folder: undefined,
      bytes: this.#tail.bytes,
      segments: 0,
      oldestMs: this.#tail.at(this.start)?.timeMs,
      state: this.full ? 'full' : 'ok',
      lastError: undefined,
      damagedBytes: 0,
      cutBytes: 0,
      syncs: 0,
    }
  }

  bytesAfter(position: number): number {
    const entries = this.end - this.start
    return entries === 0 ? 0 : Math.round((this.#tail.bytes * (this.end - position)) / entries)
  }

  async close(): Promise<number> {
    return 0
  }

  #show(block: Block): void {
    this.#tail.push(block)
    this.#visible = block.position + block.entries
    for (const callback of this.#readable) callback()
  }
}

class MemoryReader implements JournalReader {
  position: number
  readonly #tail: Tail
  readonly #visible: () => number

  constructor(tail: Tail, visible: () => number, position: number) {
    this.#tail = tail
    this.#visible = visible
    this.position = position
  }

  get behind(): boolean {
    return this.position < this.#visible()
  }

  take(): Taken | undefined {
    if (!this.behind) return undefined
    const block = this.#tail.at(this.position)
    if (block === undefined) return this.#passOver()
    const skip = this.position - block.position
    this.position = block.position + block.entries
    return { block, skip, gap: undefined }
  }

  /** Every destination had what comes next, and it was forgotten: a reader that is none of them goes on behind it. */
  #passOver(): Taken {
    const from = this.position
    const to = Math.max(from, this.#tail.start ?? this.#visible())
    this.position = to
    const block = { position: to, entries: 0, bytes: new Uint8Array(0), timeMs: 0 }
    return { block, skip: 0, gap: { from, to, reason: 'retention' } }
  }

  async load(): Promise<void> {}

  close(): void {}
}
