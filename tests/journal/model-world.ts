import { expect } from 'bun:test'
import { FrameDecoder } from '../../src/codec/frame.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import type { SyncPolicy } from '../../src/journal/committer.ts'
import { DiskJournal } from '../../src/journal/disk-journal.ts'
import type { Gap, JournalReader } from '../../src/journal/journal.ts'
import { takeRun } from '../ingest/runs.ts'
import { MemoryLog } from './memory-log.ts'
import { ModelCursors } from './model-cursors.ts'
import { droppedText, entriesOf, type Item, recordText } from './model-entries.ts'
import { ModelSender } from './model-sender.ts'
import { SimulatedClock, turns } from './simulated-clock.ts'
import { SimulatedDisk } from './simulated-disk.ts'

/** How the journal of one run is kept. Small, so that everything happens often. */
export interface WorldOptions {
  readonly sync: SyncPolicy
  readonly segmentBytes: number
  readonly blockBytes: number
  readonly tailBytes: number
  readonly maxBytes: number
}

const FOLDER = '/journal'
/** Records that are taken at once, at the most. */
const MOST_RUN = 3
const MOST_TURNS = 3000

/** A journal on a disk that can fail in any way, and everything that must hold of it. */
export class World {
  readonly disk = new SimulatedDisk()
  readonly clock = new SimulatedClock()
  journal!: DiskJournal
  /** Readers of this life of the journal. */
  readers: JournalReader[] = []
  /** What stands at each position; the whole truth. */
  readonly truth = new Map<number, string>()
  /** Positions that may be missing: damaged on the disk, or lost with the power before they were safe. */
  readonly excused = new Set<number>()
  /** Those of them that were damaged: they had been safe. */
  readonly damaged = new Set<number>()
  /** Something on the disk was damaged: a sender may have to send again what had arrived. */
  doubt = false
  readonly log = new MemoryLog()
  readonly senders = [new ModelSender('a', 1n), new ModelSender('b', 2n), new ModelSender('old', undefined)]
  #alive: DiskJournal | undefined
  readonly #options: WorldOptions
  readonly #cursors = new ModelCursors()

  constructor(options: WorldOptions) {
    this.#options = options
  }

  /** Segment files, the oldest first. */
  get segments(): string[] {
    return this.disk.paths(FOLDER).filter((path) => path.endsWith('.febe'))
  }

  async open(): Promise<void> {
    this.journal = await DiskJournal.open({
      folder: FOLDER,
      disk: this.disk.mount(),
      clock: this.clock,
      log: this.log,
      maxAgeMs: undefined,
      minFreeBytes: 0,
      syncIntervalMs: 100,
      ...this.#options,
    })
    const { journal } = this
    this.#alive = journal
    journal.tap({
      run: (first, available) => takeRun(first, available, MOST_RUN, () => undefined),
      record: () => undefined,
      dropped: () => undefined,
      closed: () => undefined,
    })
    journal.onProgress(() => {
      // A process that was killed tells nobody anything.
      if (this.#alive !== journal) return
      for (const sender of this.senders) sender.acknowledge(journal.durable)
    })
  }

  /** A sender sends; in one piece, as a socket would hand it over. */
  send(index: number, items: readonly Item[]): void {
    const sender = this.senders[index % this.senders.length]!
    this.#take(sender, sender.frames(items))
  }

  #take(sender: ModelSender, bytes: Uint8Array): void {
    const { journal } = this
    const stream = new LogStream(new FrameDecoder(), {
      record: (record) => {
        this.#appended(recordText(record), sender, record.sequence)
        journal.append(record)
      },
      run: (first, available) => {
        let position = journal.end
        const taken = journal.appendRun(first, available)
        if (taken === undefined) return undefined
        return takeRun(first, taken.end, taken.records, (record) =>
          this.#appended(recordText(record), sender, record.sequence, position++),
        )
      },
      dropped: (lost, source) => {
        this.#appended(droppedText(lost, source), sender, lost.firstSequence)
        journal.appendDropped(lost, source)
      },
      damage: (error) => {
        throw error
      },
    })
    stream.push(bytes)
    sender.sent(journal.end)
    journal.flush()
    // The buffer of a socket is used again.
    bytes.fill(0xee)
  }

  #appended(
    text: string,
    sender: ModelSender,
    sequence: bigint | undefined,
    position = this.journal.end,
  ): void {
    this.truth.set(position, text)
    this.excused.delete(position)
    this.damaged.delete(position)
    if (sequence !== undefined) sender.places.set(sequence, position)
  }

  /** Time goes on until something holds. */
  async until(done: () => boolean, what: string): Promise<void> {
    for (let i = 0; !done(); i++) {
      if (i > MOST_TURNS) throw new Error(`waited in vain for ${what}`)
      await turns()
      if (!done() && i % 2 === 1) this.clock.pass(this.clock.untilNext ?? 0)
    }
  }

  async awaitDurable(): Promise<void> {
    if (this.disk.capacity !== Number.POSITIVE_INFINITY) return this.wait(30)
    await this.until(() => this.journal.durable === this.journal.end, 'everything to be durable')
  }

  /** Lets everything go on for a while. */
  async wait(count: number): Promise<void> {
    await turns(count)
    this.clock.pass(10 * count)
    await turns(count)
  }

  /** Begins to read somewhere. */
  watch(part: number): void {
    const { start, end } = this.journal
    this.readers.push(this.journal.reader(start + Math.floor((end - start) * part)))
  }

  /** A reader takes up to so many blocks. */
  async read(reader: JournalReader, blocks: number): Promise<void> {
    for (let i = 0; i < blocks && reader.behind; i++) await this.readOne(reader)
  }

  /**
   * A reader takes a block, which must be what was written.
   *
   * @returns positions of its entries
   */
  async readOne(reader: JournalReader): Promise<number[]> {
    const before = reader.position
    let taken = reader.take()
    if (taken === undefined) {
      let loaded = false
      void reader.load().then(() => {
        loaded = true
      })
      await this.until(() => loaded, `a block at ${before}`)
      taken = reader.take()
    }
    // Between the two it may have been written again, or its time may have been over.
    if (taken === undefined) return []
    const { block, skip, gap } = taken
    if (gap !== undefined) this.#checkGap(gap, before)
    const first = gap?.to ?? before
    expect(block.position + skip).toBe(first)
    const entries = block.entries === 0 ? [] : entriesOf(block)
    expect(entries.length).toBe(block.entries)
    expect(reader.position).toBe(block.position + block.entries)
    const expected = entries.map((_, i) => this.truth.get(block.position + i))
    if (entries.some((entry, i) => entry !== expected[i])) expect(entries).toEqual(expected as string[])
    return entries.map((_, i) => block.position + i)
  }

  #checkGap(gap: Gap, before: number): void {
    expect(gap.from).toBe(before)
    expect(gap.to).toBeGreaterThan(gap.from)
    for (let position = gap.from; position < gap.to; position++) {
      const trimmed = position < this.journal.start
      if (!trimmed && !this.excused.has(position)) {
        throw new Error(`${position} is said to be missing (${JSON.stringify(gap)}), and it is not`)
      }
    }
  }

  /** Everything that is kept can be read, and nothing else. */
  async checkContents(): Promise<void> {
    const reader = this.journal.reader(this.journal.start)
    while (reader.behind) await this.readOne(reader)
    reader.close()
  }

  /** Reads everything; returns the positions of what is there. */
  async readAll(): Promise<Set<number>> {
    const reader = this.journal.reader(this.journal.start)
    const found = new Set<number>()
    while (reader.behind) for (const position of await this.readOne(reader)) found.add(position)
    reader.close()
    return found
  }

  async commit(name: string, part: number): Promise<void> {
    const { start, durable } = this.journal
    await this.#cursors.commit(this.disk, this.journal, name, start + Math.floor((durable - start) * part))
  }

  garbleCursor(name: string, byte: number): void {
    this.#cursors.garble(this.disk, name, byte)
  }

  /** An entry may be missing from now on, although it had been safe. */
  excuse(position: number): void {
    this.excused.add(position)
    this.damaged.add(position)
  }

  /** The process is killed or the power fails, some time after the last thing was done; then all begins again. */
  async crash(kind: 'process' | 'power', chance: () => number, afterTurns: number): Promise<void> {
    await turns(afterTurns)
    const { durable } = this.journal
    this.#alive = undefined
    const safe = kind === 'process' && !this.disk.failedOften ? this.#visible : durable
    if (kind === 'process') this.disk.killProcess()
    else this.disk.cutPower(chance)
    if (kind === 'power') this.#cursors.mayBeOld()
    const promised = kind === 'process' || this.#options.sync !== 'off'
    await this.#reopen(promised ? safe : 0, promised)
  }

  async close(): Promise<void> {
    let unwritten = -1
    void this.journal.close(1000).then((count) => {
      unwritten = count
    })
    await this.until(() => unwritten >= 0, 'the journal to close')
    const safe = this.#visible
    expect(unwritten).toBe(this.journal.end - safe)
    this.disk.killProcess()
    await this.#reopen(this.disk.failedOften ? this.journal.durable : safe, true)
  }

  /** Position behind what readers may see. */
  get #visible(): number {
    let { start: low, end: high } = this.journal
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.journal.reader(middle).behind) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * @param safe everything below must be there
   * @param promised whether senders may rely on what they were told
   */
  async #reopen(safe: number, promised: boolean): Promise<void> {
    this.readers = []
    this.clock.killSleepers()
    this.disk.mend()
    await this.open()
    const { start, end } = this.journal
    for (const position of this.truth.keys()) {
      if (position >= safe) this.excused.add(position)
      else if (position >= Math.max(start, end) && !this.excused.has(position))
        throw new Error(`${position} was safe (below ${safe}), and the journal ends at ${end}`)
    }
    for (let position = safe; position < end; position++) this.excused.add(position)
    await this.#cursors.check(this.disk, this.journal)
    const found = await this.readAll()
    for (const sender of this.senders) this.#checkReached(sender, found, promised)
    this.#settleTruth(found)
    // The head of a segment may be what was lost: how far rings had come is gone with the segments before it then.
    this.doubt ||= this.log.messages.some((message) => message.startsWith('a journal segment is damaged'))
    for (const sender of this.senders) this.#take(sender, sender.resume(this.#reached(sender)))
  }

  /** What is there now is safe; what is not there is gone for ever. */
  #settleTruth(found: ReadonlySet<number>): void {
    for (const position of found) {
      this.excused.delete(position)
      this.damaged.delete(position)
    }
    for (const position of this.truth.keys()) if (!found.has(position)) this.truth.delete(position)
  }

  #reached({ bootId }: ModelSender): bigint {
    return this.journal.rings.find(({ source }) => source.bootId === bootId)?.sequence ?? -1n
  }

  #checkReached(sender: ModelSender, found: ReadonlySet<number>, promised: boolean): void {
    sender.checkReached(this.#reached(sender), {
      there: (position) => found.has(position),
      trimmed: (position) => position < this.journal.start,
      damaged: (position) => this.damaged.has(position),
      // What lies behind a hole may come again, after what is missing.
      exact: !this.doubt && found.size === this.journal.end - this.journal.start,
      promised,
    })
  }
}
