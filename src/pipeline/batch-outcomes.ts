/** What can become of a record: the count that it goes to. */
export type Outcome = 'delivered' | 'rejected' | 'gave_up' | 'closed' | 'stopped'

/** What a record that will not arrive leaves behind. */
export interface Refusal {
  readonly outcome: 'rejected' | 'gave_up'
  readonly reason: string
  readonly status: number | undefined
  readonly attempts: number
}

/** Which records of a batch: the index of the first of a run, or the indexes of all, ascending. */
export type Place = number | Uint32Array

/** Longest reason that is kept, in characters. */
const REASON_LENGTH = 500

const OPEN = 0
const FIRST_REFUSAL = 5
const PLAIN: readonly (Outcome | undefined)[] = [undefined, 'delivered', 'closed', 'stopped', 'rejected']

/**
 * What became of each record of a batch. A batch that has one outcome as a whole, as nearly all have, costs nothing per
 * record.
 */
export class BatchOutcomes {
  readonly #records: number
  /** Code of all records at once. */
  #whole = OPEN
  /** Code of each record: an index in `PLAIN`, or `FIRST_REFUSAL` and the index in `#refusals`. */
  #codes: Uint32Array | undefined
  readonly #refusals: Refusal[] = []
  #settledUpTo = 0

  constructor(records: number) {
    this.#records = records
  }

  /** Records from the first on that are settled without a hole. */
  get settledUpTo(): number {
    if (this.#codes === undefined) return this.#whole === OPEN ? 0 : this.#records
    while (this.#settledUpTo < this.#records && this.#codes[this.#settledUpTo] !== OPEN) this.#settledUpTo++
    return this.#settledUpTo
  }

  /** Whether some records leave a letter. */
  get hasRefusals(): boolean {
    return this.#refusals.length > 0
  }

  /** Settles records as delivered. */
  deliver(at: Place, records: number): void {
    this.#mark(at, records, PLAIN.indexOf('delivered'))
  }

  /** Settles records as refused or given up. */
  refuse(at: Place, records: number, refusal: Refusal): void {
    this.#mark(at, records, this.#codeOf(refusal))
  }

  /** Settles records as refused that leave no letter, as they may be others. */
  refuseUnnamed(at: Uint32Array): void {
    this.#mark(at, at.length, PLAIN.indexOf('rejected'))
  }

  /** Settles what is still open. */
  settleRest(outcome: 'closed' | 'stopped' | Refusal): void {
    const code = typeof outcome === 'string' ? PLAIN.indexOf(outcome) : this.#codeOf(outcome)
    if (this.#codes === undefined) this.#whole ||= code
    else for (let i = 0; i < this.#records; i++) this.#codes[i] ||= code
  }

  /** Why a record did not arrive; undefined when it did, or was never tried. */
  refusalOf(index: number): Refusal | undefined {
    return this.#refusals[this.#code(index) - FIRST_REFUSAL]
  }

  /** How many of a range came to what, but for those in `without`, which ascends. */
  count(from: number, to: number, without: readonly number[]): Map<Outcome, number> {
    const counts = new Map<Outcome, number>()
    const passed = without.filter((index) => index >= from && index < to)
    if (this.#codes === undefined) return counts.set(this.#outcomeOf(this.#whole), to - from - passed.length)
    let next = 0
    for (let i = from; i < to; i++) {
      if (passed[next] === i) {
        next++
        continue
      }
      const outcome = this.#outcomeOf(this.#codes[i]!)
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
    }
    return counts
  }

  #code(index: number): number {
    return this.#codes === undefined ? this.#whole : this.#codes[index]!
  }

  #outcomeOf(code: number): Outcome {
    return code < FIRST_REFUSAL ? PLAIN[code]! : this.#refusals[code - FIRST_REFUSAL]!.outcome
  }

  #codeOf(refusal: Refusal): number {
    const last = this.#refusals.at(-1)
    const reason = refusal.reason.slice(0, REASON_LENGTH)
    const same =
      last?.outcome === refusal.outcome &&
      last.reason === reason &&
      last.status === refusal.status &&
      last.attempts === refusal.attempts
    if (!same) this.#refusals.push({ ...refusal, reason })
    return FIRST_REFUSAL + this.#refusals.length - 1
  }

  #mark(at: Place, records: number, code: number): void {
    if (records === 0) return
    if (records === this.#records && this.#codes === undefined) {
      this.#whole = code
      return
    }
    this.#codes ??= new Uint32Array(this.#records)
    if (typeof at === 'number') this.#codes.fill(code, at, at + records)
    else for (const index of at) this.#codes[index] = code
  }
}
