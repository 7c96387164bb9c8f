import type { ClosedBlock } from './block.ts'

/** Blocks that were written, or are to be, and have not reached the disk; the oldest first. */
export class UnsyncedBlocks {
  /** Their bytes. */
  bytes = 0
  #blocks: ClosedBlock[] = []
  /** Settled ones at the front. */
  #first = 0
  /** The block that was asked for last. */
  #last = 0

  /** Puts a block at the end. */
  push(block: ClosedBlock): void {
    this.#blocks.push(block)
    this.bytes += block.bytes.length
  }

  /** The block that begins at a position; undefined when it is not here. */
  from(position: number): ClosedBlock | undefined {
    const blocks = this.#blocks
    // Nearly always the next one, or the one behind it.
    let at = Math.min(Math.max(this.#last, this.#first), blocks.length)
    while (at > this.#first && blocks[at - 1]!.position >= position) at--
    while (at < blocks.length && blocks[at]!.position < position) at++
    this.#last = at
    return blocks[at]
  }

  /** Removes and returns the blocks that end at or below a position. */
  settle(position: number): readonly ClosedBlock[] {
    const from = this.#first
    while (this.#first < this.#blocks.length) {
      const { position: start, entries, bytes } = this.#blocks[this.#first]!
      if (start + entries > position) break
      this.bytes -= bytes.length
      this.#first++
    }
    const settled = this.#blocks.slice(from, this.#first)
    this.#blocks.fill(undefined as never, from, this.#first)
    if (this.#first * 2 > this.#blocks.length) {
      this.#blocks = this.#blocks.slice(this.#first)
      this.#last = Math.max(0, this.#last - this.#first)
      this.#first = 0
    }
    return settled
  }
}
