/**
 * Memory that is written anew for each request: to get fresh memory from the system, and to give it back, costs more than
 * what is written into it.
 */
export class Scratch {
  #bytes = Buffer.alloc(0)
  #used = 0

  /** Room for so many bytes, with anything in it, until `clear`. */
  take(bytes: number): Buffer {
    const end = this.#used + bytes
    if (end > this.#bytes.length) {
      // Enough for everything that has been taken; that keeps the memory which it has.
      this.#bytes = Buffer.allocUnsafeSlow(end)
      this.#used = 0
    }
    const start = this.#used
    this.#used += bytes
    return this.#bytes.subarray(start, this.#used)
  }

  /** Nobody looks at what was taken any more. */
  clear(): void {
    this.#used = 0
  }
}
