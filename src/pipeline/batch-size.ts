/** After a batch that was too large, batches grow again by this much with each one that is accepted. */
const GROWTH = 1.25

/** How many records a destination takes at once, as far as it is known: less than the limit once a batch was too large. */
export class BatchSize {
  #most = Number.POSITIVE_INFINITY

  /** Records to send at once, at the most. */
  get most(): number {
    return Math.floor(this.#most)
  }

  /** So many were too large. */
  shrink(records: number): void {
    this.#most = Math.min(this.#most, Math.ceil(records / 2))
  }

  /**
   * So many were accepted. One record was too large, or all together: it is found out step by step, not anew with each
   * batch.
   */
  grow(records: number): void {
    if (records >= this.most) this.#most = Math.max(records + 1, records * GROWTH)
  }
}
