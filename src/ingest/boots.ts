/** What is known of one sender's ring. */
export interface Boot {
  readonly id: bigint
  /** Everything up to here is safe, and may be acknowledged; -1 when nothing is. */
  durable: bigint
  /** Everything up to here was received, and is on its way. */
  received: bigint
  /** The malformed record that ended the last connection: its sender has nothing else to send in its place. */
  refused?: bigint
}

/** Everything of `boot` up to `sequence` stands at or below `position` in the journal. */
interface Mark {
  readonly position: number
  readonly boot: Boot
  readonly sequence: bigint
}

/** Rings that are remembered; a sender beyond them only sends again what it has not been told of. */
const MOST_BOOTS = 256
/** Marks that wait for a destination that hangs; past it some are left out, and acknowledged with a later one. */
const MOST_MARKS = 8192

/**
 * Which sequences of which ring may be acknowledged: those that were received before a position of the journal that is safe
 * now.
 */
export class Boots {
  /** The one that was used last stands last. */
  readonly #boots = new Map<bigint, Boot>()
  #marks: Mark[] = []

  /** Marks that wait. */
  get waiting(): number {
    return this.#marks.length
  }

  /** What is known of a ring; a new one begins with nothing. */
  get(id: bigint): Boot {
    const boot = this.#boots.get(id) ?? { id, durable: -1n, received: -1n }
    this.#boots.delete(id)
    if (this.#boots.size >= MOST_BOOTS) this.#boots.delete(this.#boots.keys().next().value!)
    this.#boots.set(id, boot)
    return boot
  }

  /** What the journal holds of a ring since an earlier run. */
  restore(id: bigint, sequence: bigint): void {
    const boot = this.get(id)
    boot.durable = sequence
    boot.received = sequence
  }

  /** Everything of `boot` up to `sequence` is in the journal, at or below `position`. */
  mark(position: number, boot: Boot, sequence: bigint): void {
    boot.received = sequence
    this.#marks.push({ position, boot, sequence })
    if (this.#marks.length > MOST_MARKS) this.#marks = thinned(this.#marks)
  }

  /** Everything at or below `position` is safe: returns the rings whose durable sequence has moved. */
  settle(position: number): ReadonlySet<Boot> {
    const moved = new Set<Boot>()
    let count = 0
    for (const mark of this.#marks) {
      if (mark.position > position) break
      if (mark.sequence > mark.boot.durable) {
        mark.boot.durable = mark.sequence
        moved.add(mark.boot)
      }
      count++
    }
    if (count > 0) this.#marks.splice(0, count)
    return moved
  }
}

/** Every second mark of each ring, the newest among them: a later mark says all that an earlier one does. */
function thinned(marks: readonly Mark[]): Mark[] {
  const turns = new Map<Boot, boolean>()
  const kept = marks.toReversed().filter(({ boot }) => {
    const turn = turns.get(boot) ?? true
    turns.set(boot, !turn)
    return turn
  })
  return kept.reverse()
}
