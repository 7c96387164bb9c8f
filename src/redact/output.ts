const FIRST_BYTES = 4096
/** Larger ones are let go of again: one huge record must not pin its size. */
const MOST_KEPT_BYTES = 1024 * 1024

/** Bytes that are written one after the other, into a buffer that is used again for the next record. */
export class Output {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES)
  length = 0

  /** Begins anew, with room for `bytes`; what follows must not need more. */
  begin(bytes: number): void {
    this.length = 0
    const size = this.bytes.length
    if (bytes > size || (size > MOST_KEPT_BYTES && bytes <= MOST_KEPT_BYTES))
      this.bytes = new Uint8Array(Math.max(bytes, FIRST_BYTES))
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

  /** Copies a range that is likely to be long. */
  copyLong(from: Uint8Array, start: number, end: number): void {
    this.bytes.set(from.subarray(start, end), this.length)
    this.length += end - start
  }
}
