import type { Block, BlockPool } from './block.ts'

/** Memory that a block takes beside its bytes. */
const OVERHEAD = 200

/** Memory that a block takes: a long one has a buffer of its own, which may be longer. */
const memoryOf = ({ bytes }: Block): number => bytes.buffer.byteLength + OVERHEAD

/** The newest blocks in memory: who reads along live never touches the disk. */
export class Tail {
  /** Bytes of memory. */
  bytes = 0
  readonly #pool: BlockPool
  readonly #blocks: Block[] = []
  #first = 0

  /** @param pool gets the buffers of blocks that are let go */
  constructor(pool: BlockPool) {
    this.#pool = pool
  }

  /** Position of the oldest entry held; undefined when there is none. */
  get start(): number | undefined {
    return this.#blocks[this.#first]?.position
  }

  /** Puts a block at the end. */
  push(block: Block): void {
    this.#blocks.push(block)
    this.bytes += memoryOf(block)
  }

  /** The block that holds a position; undefined when it is not held. */
  at(position: number): Block | undefined {
    const blocks = this.#blocks
    let low = this.#first
    let high = blocks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (blocks[middle]!.position <= position) low = middle
      else high = middle - 1
    }
    const found = blocks[low]
    if (found === undefined || position < found.position) return undefined
    return position < found.position + found.entries ? found : undefined
  }

  /**
   * Lets go of the oldest blocks while more than `bytes` are held, but of none that ends behind `position`: nobody may use
   * them after the call.
   */
  trim(bytes: number, position: number): void {
    while (this.bytes > bytes && this.#first < this.#blocks.length) {
      const oldest = this.#blocks[this.#first]!
      if (oldest.position + oldest.entries > position) break
      this.bytes -= memoryOf(oldest)
      // Also out of the list, which is shortened later.
      this.#blocks[this.#first++] = undefined as never
      this.#pool.give(oldest)
    }
    if (this.#first > 1024 && this.#first > this.#blocks.length / 2) {
      this.#blocks.splice(0, this.#first)
      this.#first = 0
    }
  }
}
