/** What is known of one sender's ring. */
export interface Boot {
  readonly id: bigint
  /** Everything up to here is settled at every destination; -1 when nothing is. */
  durable: bigint
  /** Everything up to here was received, and is on its way. */
  received: bigint
}

/** Rings that are remembered; a sender beyond them only sends again what it has not been told of. */
const MOST_BOOTS = 256

/**
 * Which sequences of which ring may be acknowledged: those that were received before a position of the pipeline that is
 * settled now.
 */
export class Boots {
  readonly #boots = new Map<bigint, Boot>()
  readonly #marks: { readonly position: number; readonly boot: Boot; readonly sequence: bigint }[] = []

  /** What is known of a ring; a new one begins with nothing. */
  get(id: bigint): Boot {
    let boot = this.#boots.get(id)
    if (boot === undefined) {
      boot = { id, durable: -1n, received: -1n }
      if (this.#boots.size >= MOST_BOOTS) this.#boots.delete(this.#boots.keys().next().value!)
      this.#boots.set(id, boot)
    }
    return boot
  }

  /** Everything of `boot` up to `sequence` is in the pipeline, at or below `position`. */
  mark(position: number, boot: Boot, sequence: bigint): void {
    boot.received = sequence
    this.#marks.push({ position, boot, sequence })
  }

  /** Everything at or below `position` is settled: returns the rings whose durable sequence has moved. */
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
    this.#marks.splice(0, count)
    return moved
  }
}
