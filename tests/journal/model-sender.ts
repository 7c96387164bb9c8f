import { expect } from 'bun:test'
import { framesOf, type Item } from './model-entries.ts'

/** What is known of the journal when a sender comes back. */
interface After {
  readonly there: (position: number) => boolean
  /** It was there, and its time was over. */
  readonly trimmed: (position: number) => boolean
  /** It had been safe, and was damaged since. */
  readonly damaged: (position: number) => boolean
  /** Nothing was damaged: what the journal says of the ring must be true to the record. */
  readonly exact: boolean
  /** Whether what a sender was told must hold. */
  readonly promised: boolean
}

const sequencesOf = (item: Item): bigint => (item === 'drop' ? 3n : 1n)

/** A sender that keeps what it has not been told to forget; one without a boot id keeps nothing. */
export class ModelSender {
  readonly identity: string
  readonly bootId: bigint | undefined
  /** Where its sequences stand in the journal. */
  readonly places = new Map<bigint, number>()
  #next: bigint
  /** Everything up to here it was told to forget. */
  #acknowledged: bigint
  /** The last of that which the journal was given. */
  #stored = -1n
  /** What it has sent since, by its first sequence. */
  readonly #kept = new Map<bigint, Item>()
  #marks: { readonly position: number; readonly sequence: bigint }[] = []

  constructor(identity: string, bootId: bigint | undefined) {
    this.identity = identity
    this.bootId = bootId
    this.#next = 0n
    this.#acknowledged = -1n
  }

  /** Frames for more to say. */
  frames(items: readonly Item[]): Uint8Array {
    const known = this.bootId === undefined ? items.map(() => 'record' as const) : items
    const { bytes, next } = framesOf(known, { ...this.#self, next: this.#next })
    for (const item of known) {
      this.#kept.set(this.#next, item)
      this.#next += sequencesOf(item)
    }
    expect(this.#next).toBe(next)
    return bytes
  }

  /** All that was sent stands below a position. */
  sent(position: number): void {
    this.#marks.push({ position, sequence: this.#next - 1n })
  }

  /** Everything below a position is safe. */
  acknowledge(durable: number): void {
    while (this.#marks[0] !== undefined && this.#marks[0].position <= durable) {
      this.#acknowledged = this.#marks.shift()!.sequence
    }
    for (const [sequence, item] of this.#kept) {
      if (sequence > this.#acknowledged) continue
      if (item !== 'unwanted') this.#stored = sequence + sequencesOf(item) - 1n
      this.#kept.delete(sequence)
      this.places.delete(sequence)
    }
  }

  /** Judges what a journal that was opened again says of the ring. */
  checkReached(reached: bigint, after: After): void {
    if (this.bootId === undefined) return
    if (after.exact && after.promised) expect(reached).toBeGreaterThanOrEqual(this.#stored)
    for (const [sequence, item] of this.#kept) {
      const position = this.places.get(sequence)
      if (item === 'unwanted' || position === undefined) continue
      const there = after.there(position)
      const excused = there || after.trimmed(position) || after.damaged(position) || !after.promised
      if (sequence <= reached && !excused)
        throw new Error(
          `${this.identity}#${sequence} is lost: the journal says that it has it, up to ${reached}`,
        )
      if (sequence > reached && there && after.exact)
        throw new Error(`${this.identity}#${sequence} will come twice: the journal has it, and asks for it`)
    }
  }

  /** What it sends to a journal that has everything up to `reached`, and says so. */
  resume(reached: bigint): Uint8Array {
    this.#marks = []
    const again = [...this.#kept].filter(([sequence]) => this.bootId !== undefined && sequence > reached)
    this.#kept.clear()
    for (const [sequence, item] of again) this.#kept.set(sequence, item)
    if (reached > this.#acknowledged) this.#acknowledged = reached
    this.#stored = reached
    if (again.length === 0) return new Uint8Array(0)
    const items = again.map(([, item]) => item)
    return framesOf(items, { ...this.#self, next: again[0]![0] }).bytes
  }

  get #self() {
    return { identity: this.identity, bootId: this.bootId }
  }
}
