const FIRST_BYTES = 4096
/** Larger ones are let go of again: one huge record must not pin its size. */
const MOST_KEPT_BYTES = 1024 * 1024

/** From here on a call into the runtime, and the window that it needs, are worth their price. */
const LONG = 512

/** Bytes that are written one after the other, into a buffer that is used again for the next record. */
export class Output {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES)
  length = 0
  #words = new DataView(this.bytes.buffer)

  /** Begins anew, with room for `bytes`; what follows must not need more. */
  begin(bytes: number): void {
    this.length = 0
    const size = this.bytes.length
    // A whole word may be written where only a part of it counts.
    if (bytes + 4 > size || (size > MOST_KEPT_BYTES && bytes + 4 < MOST_KEPT_BYTES))
      this.#resize(Math.max(bytes, FIRST_BYTES))
  }

  byte(value: number): void {
    this.bytes[this.length++] = value
  }

  /** Copies a short range, byte by byte: a call into the runtime would cost more. */
  copy(from: Uint8Array, start: number, end: number): void {
    const { bytes } = this
    let at = this.length
    for (let i = start; i < end; i++) bytes[at++] = from[i]!
    this.length = at
  }

  /**
   * Copies a range that is likely to be longer than a word or two.
   *
   * @param words the same bytes
   */
  copyLong(from: Uint8Array, words: DataView, start: number, end: number): void {
    const size = end - start
    if (size > LONG) this.bytes.set(from.subarray(start, end), this.length)
    else {
      const target = this.#words
      let at = this.length
      let i = start
      for (const last = end - 4; i <= last; i += 4, at += 4)
        target.setInt32(at, words.getInt32(i, true), true)
      const { bytes } = this
      for (; i < end; i++) bytes[at++] = from[i]!
    }
    this.length += size
  }

  #resize(bytes: number): void {
    this.bytes = new Uint8Array(bytes + 4)
    this.#words = new DataView(this.bytes.buffer)
  }
}
