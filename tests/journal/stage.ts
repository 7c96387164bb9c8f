import { DiskJournal, type DiskJournalOptions } from '../../src/journal/disk-journal.ts'
import type { Gap, Journal, JournalReader } from '../../src/journal/journal.ts'
import { MemoryLog } from './memory-log.ts'
import { SimulatedClock, turns } from './simulated-clock.ts'
import { SimulatedDisk } from './simulated-disk.ts'

/** Where journals of these tests are. */
export const FOLDER = '/journal'
const MOST_ROUNDS = 3000

/** A simulated disk, clock and log, and journals on them. */
export class Stage {
  readonly disk = new SimulatedDisk()
  readonly clock = new SimulatedClock()
  readonly log = new MemoryLog()

  /** Opens the journal, as a process does that starts. */
  open(own: Partial<DiskJournalOptions> = {}): Promise<DiskJournal> {
    return DiskJournal.open({
      folder: FOLDER,
      maxBytes: 1_000_000,
      maxAgeMs: undefined,
      minFreeBytes: 0,
      sync: 'interval',
      syncIntervalMs: 100,
      disk: this.disk.mount(),
      clock: this.clock,
      log: this.log,
      ...own,
    })
  }

  /** Lets time go on, to where somebody waits for, until something holds. */
  async until(done: () => boolean, what: string): Promise<void> {
    for (let round = 0; !done(); round++) {
      if (round > MOST_ROUNDS) throw new Error(`waited in vain for ${what}`)
      await turns()
      if (!done() && round % 2 === 1) this.clock.pass(this.clock.untilNext ?? 0)
    }
  }

  async durable(journal: Journal): Promise<void> {
    await this.until(() => journal.durable === journal.end, 'everything to be durable')
  }

  /** What a promise gives, while time goes on. */
  async result<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    promise.then(mark, mark)
    await this.until(() => settled, 'a promise')
    return promise
  }

  /** Reads on to the end. */
  async readOn(reader: JournalReader): Promise<{ positions: number[]; gaps: Gap[] }> {
    const positions: number[] = []
    const gaps: Gap[] = []
    while (reader.behind) {
      const taken = reader.take()
      if (taken === undefined) await this.result(reader.load())
      else {
        if (taken.gap !== undefined) gaps.push(taken.gap)
        const { block, skip } = taken
        for (let i = skip; i < block.entries; i++) positions.push(block.position + i)
      }
    }
    return { positions, gaps }
  }

  /** Everything in a journal. */
  async readAll(journal: Journal): Promise<{ positions: number[]; gaps: Gap[] }> {
    const reader = journal.reader(journal.start)
    const found = await this.readOn(reader)
    reader.close()
    return found
  }
}
