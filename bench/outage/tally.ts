/** Counts which of the records 0, 1, 2 … have arrived, how often, and in what order. */
export class Tally {
  /** Records that arrived more than once. */
  repeated = 0
  /** Times that records began to come again: one for each batch that was sent twice. */
  repetitions = 0
  /** Times that a record came for the first time behind one with a higher number. */
  backwards = 0
  /** When the last record came for the first time, on the clock of `performance.now`. */
  freshAt = performance.now()
  #counts = new Uint8Array(1024)
  #seen = 0
  #highest = -1
  #repeating = false

  /** Different records that have arrived. */
  get seen(): number {
    return this.#seen
  }

  /** Takes one batch. */
  take(ids: readonly number[]): void {
    this.#repeating = false
    for (const id of ids) this.#one(id)
  }

  #one(id: number): void {
    while (id >= this.#counts.length) this.#grow()
    const times = ++this.#counts[id]!
    if (times === 1) {
      this.#seen++
      this.freshAt = performance.now()
      if (id < this.#highest) this.backwards++
      this.#highest = id
    } else if (times === 2) this.repeated++
    if (times > 1 && !this.#repeating) this.repetitions++
    this.#repeating = times > 1
  }

  #grow(): void {
    const larger = new Uint8Array(this.#counts.length * 2)
    larger.set(this.#counts)
    this.#counts = larger
  }
}
