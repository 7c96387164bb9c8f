/** Keys that are told apart at the same time. */
const MOST_KEYS = 16_384
/** Longest key, in bytes: what is longer is the same as whatever begins like it. */
const MOST_KEY_BYTES = 4096
const FIRST_ARENA_BYTES = 64 * 1024
const EMPTY = -1

/** What was counted of one key. */
export interface Row {
  /** What the key is called. */
  readonly label: string
  readonly count: number
  /** Sum and highest of the amounts. */
  readonly total: number
  readonly most: number
}

/** What was counted of all keys that have no row of their own. */
export interface Others {
  /** How many keys those are; one that came back after it had been merged counts again. */
  readonly keys: number
  readonly count: number
  readonly total: number
  readonly most: number
}

/**
 * Counts by keys that are bytes, without making a text of a key that was met before.
 *
 * Memory is bounded: when there are too many keys, the half with the least weight is merged into `others`. So sums over all
 * rows and others are exact; a row is exact unless its key was among the merged once.
 */
export class BytesTable {
  #slots = new Int32Array(4 * MOST_KEYS).fill(EMPTY)
  #arena = new Uint8Array(FIRST_ARENA_BYTES)
  #used = 0
  readonly #hashes = new Int32Array(MOST_KEYS)
  readonly #starts = new Int32Array(MOST_KEYS + 1)
  readonly #counts = new Float64Array(MOST_KEYS)
  readonly #totals = new Float64Array(MOST_KEYS)
  readonly #mosts = new Float64Array(MOST_KEYS)
  readonly #labels: string[] = []
  readonly #byTotal: boolean
  /** Row of the last key: many records in a row have the same. */
  #last = 0
  #others = { keys: 0, count: 0, total: 0, most: 0 }

  /** @param byTotal whether rows weigh by the sum of their amounts, not by their count */
  constructor(byTotal = false) {
    this.#byTotal = byTotal
  }

  /** Keys that have a row. */
  get size(): number {
    return this.#labels.length
  }

  /** Whether keys were merged, so that rows may lack what was counted before. */
  get merged(): boolean {
    return this.#others.keys > 0
  }

  /**
   * Counts a key; what is in front of `end` and behind `start` is it.
   *
   * @param label says what a key is called that is met for the first time
   * @param amount is summed up
   * @returns its row, until the next call
   */
  add(bytes: Uint8Array, start: number, end: number, label: () => string, amount = 0): number {
    if (end - start > MOST_KEY_BYTES) end = start + MOST_KEY_BYTES
    const row = this.#rowOf(bytes, start, end, label)
    this.#counts[row]!++
    this.#totals[row]! += amount
    if (amount > this.#mosts[row]!) this.#mosts[row] = amount
    return row
  }

  /** What a row is called. */
  labelOf(row: number): string {
    return this.#labels[row]!
  }

  /** Calls a row something better. */
  rename(row: number, label: string): void {
    this.#labels[row] = label
  }

  /** The rows with the most weight, heaviest first, and everything else. */
  top(most: number): { rows: Row[]; others: Others } {
    const order = this.#heaviestFirst()
    const others = { ...this.#others }
    for (const row of order.slice(most)) this.#mergeInto(others, row)
    return { rows: order.slice(0, most).map((row) => this.#row(row)), others }
  }

  #row(row: number): Row {
    return {
      label: this.#labels[row]!,
      count: this.#counts[row]!,
      total: this.#totals[row]!,
      most: this.#mosts[row]!,
    }
  }

  #rowOf(bytes: Uint8Array, start: number, end: number, label: () => string): number {
    if (this.#last < this.size && this.#is(this.#last, bytes, start, end)) return this.#last
    const hash = hashOf(bytes, start, end)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]!
      if (row === EMPTY) return this.#insert(bytes, start, end, hash, label)
      if (this.#hashes[row] === hash && this.#is(row, bytes, start, end)) {
        this.#last = row
        return row
      }
    }
  }

  #is(row: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[row]!
    const length = end - start
    if (this.#starts[row + 1]! - from !== length) return false
    const arena = this.#arena
    // From the end, where texts that begin alike differ first.
    for (let i = length - 1; i >= 0; i--) if (arena[from + i] !== bytes[start + i]) return false
    return true
  }

  #insert(bytes: Uint8Array, start: number, end: number, hash: number, label: () => string): number {
    if (this.size === MOST_KEYS) this.#merge()
    const row = this.size
    this.#append(bytes, start, end)
    this.#labels.push(label())
    this.#hashes[row] = hash
    this.#counts[row] = 0
    this.#totals[row] = 0
    this.#mosts[row] = 0
    this.#link(row)
    this.#last = row
    return row
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const need = this.#used + end - start
    if (need > this.#arena.length) {
      const grown = new Uint8Array(Math.max(need, this.#arena.length * 2))
      grown.set(this.#arena.subarray(0, this.#used))
      this.#arena = grown
    }
    this.#arena.set(bytes.subarray(start, end), this.#used)
    this.#used = need
    this.#starts[this.size + 1] = need
  }

  #link(row: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#hashes[row]! & mask
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask
    this.#slots[slot] = row
  }

  /** Merges the lighter half. */
  #merge(): void {
    const order = this.#heaviestFirst()
    for (const row of order.slice(MOST_KEYS / 2)) this.#mergeInto(this.#others, row)
    this.#slots.fill(EMPTY)
    this.#used = 0
    const kept = order.slice(0, MOST_KEYS / 2).sort((a, b) => a - b)
    // Rows only move to the front, and so do their keys.
    for (const [to, from] of kept.entries()) this.#move(from, to)
    this.#starts[kept.length] = this.#used
    this.#labels.length = kept.length
    for (const row of kept.keys()) this.#link(row)
  }

  #move(from: number, to: number): void {
    const [start, end] = [this.#starts[from]!, this.#starts[from + 1]!]
    this.#arena.copyWithin(this.#used, start, end)
    this.#starts[to] = this.#used
    this.#used += end - start
    this.#hashes[to] = this.#hashes[from]!
    this.#counts[to] = this.#counts[from]!
    this.#totals[to] = this.#totals[from]!
    this.#mosts[to] = this.#mosts[from]!
    this.#labels[to] = this.#labels[from]!
  }

  #mergeInto(others: { keys: number; count: number; total: number; most: number }, row: number): void {
    others.keys++
    others.count += this.#counts[row]!
    others.total += this.#totals[row]!
    others.most = Math.max(others.most, this.#mosts[row]!)
  }

  #heaviestFirst(): number[] {
    const weights = this.#byTotal ? this.#totals : this.#counts
    return Array.from({ length: this.size }, (_, row) => row).sort(
      (a, b) => weights[b]! - weights[a]! || this.#counts[b]! - this.#counts[a]! || a - b,
    )
  }
}

/** FNV-1a: of every byte, as statements often differ in their middle alone. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash ^ (hash >>> 15)
}
