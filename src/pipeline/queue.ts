import { batchOf, bytesOf, type Part, type QueuedBatch } from './batch.ts'
import { type Passed, Stretch } from './batch-stretch.ts'
import type { Chunk, ChunkPool } from './chunk.ts'

/** What one batch may hold. */
export interface BatchLimits {
  readonly maxRecords: number
  readonly maxBytes: number
}

/**
 * Chunks that wait for one destination, and the batches cut from them within its limits. What was taken stays until it is
 * settled, from the front on: so positions are reached in order.
 *
 * A batch is a window on a chunk; only small chunks, which a quiet stream makes, are joined by copying. They are joined as
 * a whole, so that a batch begins in the middle of a chunk only where its limits make it.
 */
export class ChunkQueue {
  /** Bytes of memory that wait or are in flight. */
  bytes = 0
  /** Records that wait to be taken, notes among them. */
  waitingRecords = 0
  /** Their bytes. */
  waitingBytes = 0
  /** Drops that were counted, and wait for what is in front of them: records by reason. */
  readonly droppedAhead = new Map<string, number>()
  readonly #limits: BatchLimits
  readonly #pool: ChunkPool
  /** Chunks of less than this are worth joining. */
  readonly #smallBytes: number
  #stretches: Stretch[] = []
  /** Index of the first stretch with records to be taken. */
  #next = 0
  #position: number
  #end: number

  /** @param gathers whether batches are waited for until they are full: then they are joined even where that copies much */
  constructor(limits: BatchLimits, pool: ChunkPool, position = 0, gathers = false) {
    this.#limits = limits
    this.#pool = pool
    this.#smallBytes = gathers ? limits.maxBytes : limits.maxBytes / 4
    this.#position = position
    this.#end = position
  }

  /** Whether everything is settled. */
  get empty(): boolean {
    return this.#stretches.length === 0
  }

  /** Whether there is nothing to send in front of everything else, so that `settle(0)` gets on. */
  get startsEmpty(): boolean {
    return this.#stretches[0]?.records === 0
  }

  /** When the oldest record that is not settled was received, in milliseconds since 1970; undefined: none, or unknown. */
  get oldestMs(): number | undefined {
    return this.#stretches.find(({ chunk }) => chunk !== undefined)?.chunk?.timeMs || undefined
  }

  /** Since when the first record that was not taken has been waiting. */
  get waitingSinceMs(): number {
    return this.#firstWaiting()?.sinceMs ?? 0
  }

  /** Puts a chunk at the end and holds it, or only passes its positions when there is nothing in it to send. */
  push(chunk: Chunk, nowMs = 0): void {
    if (chunk.records === 0) return this.pass(chunk.endPosition, chunk.filtered)
    chunk.holders++
    this.bytes += chunk.memory
    this.waitingRecords += chunk.records
    this.waitingBytes += chunk.length
    const since = chunk.timeMs === 0 ? nowMs : Math.min(nowMs, chunk.timeMs)
    this.#stretches.push(new Stretch(this.#end, chunk.endPosition, chunk, since))
    this.#end = chunk.endPosition
  }

  /** Entries of which nothing is sent, up to a position: it counts as reached together with what is in front. */
  pass(end: number, filtered: number, dropped?: { readonly reason: string; readonly records: number }): void {
    const last = this.#stretches.at(-1)
    const stretch = last !== undefined && last.chunk === undefined ? last : new Stretch(this.#end, end)
    if (stretch !== last) this.#stretches.push(stretch)
    stretch.end = end
    stretch.filtered += filtered
    this.#end = end
    if (dropped === undefined || dropped.records === 0) return
    addTo(stretch.dropped, dropped.reason, dropped.records)
    addTo(this.droppedAhead, dropped.reason, dropped.records)
  }

  /** Takes the next batch of at most so many records; undefined when nothing waits. */
  take(mostRecords = Number.POSITIVE_INFINITY): QueuedBatch | undefined {
    const first = this.#firstWaiting()
    if (first === undefined) return undefined
    const most = Math.max(1, Math.min(this.#limits.maxRecords, Math.floor(mostRecords)))
    const parts = this.#join(this.#partOf(first, most), most)
    for (const { stretch, to } of parts) stretch.claimed = to
    const batch = batchOf(parts)
    this.waitingRecords -= batch.records
    this.waitingBytes -= batch.bytes.length
    return batch
  }

  /** How many of the records that wait to be taken are notes. */
  get waitingNotes(): number {
    let notes = 0
    for (const { chunk, claimed } of this.#stretches)
      notes += chunk?.notes.filter((note) => note >= claimed).length ?? 0
    return notes
  }

  /** Takes everything that waits, to be settled without being sent; returns how many records that are. */
  takeRest(): number {
    const records = this.waitingRecords
    for (const stretch of this.#stretches) stretch.claimed = stretch.records
    this.waitingRecords = 0
    this.waitingBytes = 0
    return records
  }

  /** Settles the first `records`, and what nothing is sent of behind them. */
  settle(records: number): Passed {
    let [filtered, notes, gone, rest] = [0, 0, 0, records]
    for (const stretch of this.#stretches) {
      const taken = Math.min(rest, stretch.records - stretch.settled)
      if (taken === 0 && stretch.records > 0) break
      const passed = stretch.settle(taken)
      filtered += passed.filtered
      notes += passed.notes
      rest -= taken
      this.#position = passed.position
      if (stretch.settled < stretch.records) break
      gone++
      this.#letGo(stretch)
    }
    this.#stretches.splice(0, gone)
    this.#next = Math.max(0, this.#next - gone)
    return { position: this.#position, filtered, notes }
  }

  /** Lets go of everything. */
  clear(): void {
    for (const stretch of this.#stretches) this.#letGo(stretch)
    this.#stretches = []
    this.#next = 0
    this.waitingRecords = 0
    this.waitingBytes = 0
  }

  #letGo({ chunk, dropped }: Stretch): void {
    for (const [reason, records] of dropped) addTo(this.droppedAhead, reason, -records)
    if (chunk === undefined) return
    this.bytes -= chunk.memory
    this.#pool.release(chunk)
  }

  #firstWaiting(): Stretch | undefined {
    while (this.#next < this.#stretches.length) {
      const stretch = this.#stretches[this.#next]!
      if (stretch.claimed < stretch.records) return stretch
      this.#next++
    }
    return undefined
  }

  /** As much of a stretch as a batch may hold; always one record at least. */
  #partOf(stretch: Stretch, mostRecords: number): Part {
    const { ends, records } = stretch.chunk!
    const from = stretch.claimed
    const limit = (from === 0 ? 0 : ends[from - 1]!) + this.#limits.maxBytes
    const to = Math.min(records, from + mostRecords)
    return { stretch, from, to: ends[to - 1]! > limit ? lastWithin(ends, from, to, limit) : to }
  }

  /** Joins the chunks that fit together as a whole, where that is worth the copy. */
  #join(first: Part, mostRecords: number): Part[] {
    const parts = [first]
    let [records, bytes] = [first.to - first.from, bytesOf(first)]
    if (!isWhole(first) || records === mostRecords || bytes >= this.#smallBytes) return parts
    for (let i = this.#next + 1; i < this.#stretches.length; i++) {
      const stretch = this.#stretches[i]!
      if (stretch.records === 0) continue
      if (records + stretch.records > mostRecords) break
      const part = this.#partOf(stretch, mostRecords)
      if (!isWhole(part) || bytes + bytesOf(part) > this.#limits.maxBytes) break
      parts.push(part)
      records += stretch.records
      bytes += bytesOf(part)
    }
    return parts
  }
}

const isWhole = ({ stretch, to }: Part): boolean => to === stretch.records

function addTo(counts: Map<string, number>, key: string, more: number): void {
  const sum = (counts.get(key) ?? 0) + more
  if (sum === 0) counts.delete(key)
  else counts.set(key, sum)
}

/** Index after the last record that ends within `limit`; `from + 1` at least. `ends` ascends. */
function lastWithin(ends: Uint32Array, from: number, to: number, limit: number): number {
  let low = from + 1
  let high = to
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (ends[middle - 1]! <= limit) low = middle
    else high = middle - 1
  }
  return low
}
