/** Records that were refused alone before it is asked whether most of the batch is like them. */
const FEW = 8
/** Requests of one batch that may be refused, at the most; past it what is refused is not looked into any more. */
const MOST_REFUSED = 1000

/**
 * Bounds the search for the records because of which a batch is refused. Halving finds one bad record among n with
 * 2 · log2 n requests. It is not worth it where the destination refuses everything (a wrong path, a wrong format): when
 * some records were refused alone, and more than were accepted, then what is refused next is refused as a whole. Should
 * it be accepted after all, the search goes on.
 */
export class Bisection {
  #accepted = 0
  #alone = 0
  #refused = 0

  /** So many records of the batch were accepted. */
  accept(records: number): void {
    this.#accepted += records
  }

  /** So many records were refused; returns whether to halve them. */
  halves(records: number): boolean {
    this.#refused++
    if (records === 1) {
      this.#alone++
      return false
    }
    const hopeless = this.#alone >= FEW && this.#alone > this.#accepted
    return !hopeless && this.#refused < MOST_REFUSED
  }
}
