/** Writes the terms of the protocol one after the other into a payload, or into whole frames; grows as needed. */
export class PayloadWriter {
  #bytes = Buffer.alloc(512)
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
  #at = 0

  int32(value: number): this {
    this.#reserve(4)
    this.#view.setInt32(this.#at, value)
    this.#at += 4
    return this
  }

  int64(value: bigint): this {
    this.#reserve(8)
    this.#view.setBigInt64(this.#at, value)
    this.#at += 8
    return this
  }

  /** Bytes as they are. */
  bytes(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** A CString: text as UTF-8, or bytes as they are. NULs cannot be carried: the text ends at the first. */
  string(value: string | Uint8Array): this {
    const nul = typeof value === 'string' ? value.indexOf('\0') : value.indexOf(0)
    if (nul >= 0) return this.string(value.slice(0, nul))
    if (typeof value === 'string') {
      // A unit of UTF-16 is at most three bytes.
      this.#reserve(3 * value.length)
      this.#at += this.#bytes.write(value, this.#at)
    } else {
      this.bytes(value)
    }
    this.#reserve(1)
    this.#bytes[this.#at++] = 0
    return this
  }

  /** A *CString: `N` NUL for null, else `P`, the bytes, NUL. */
  nullable(value: string | Uint8Array | null): this {
    this.#reserve(2)
    if (value === null) {
      this.#bytes[this.#at++] = 0x4e
      this.#bytes[this.#at++] = 0
      return this
    }
    this.#bytes[this.#at++] = 0x50
    return this.string(value)
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.written())
  }

  /** What was written, in place: valid until more is. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  /** Bytes that were written. */
  get length(): number {
    return this.#at
  }

  /** Forgets what was written. */
  clear(): void {
    this.#at = 0
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const grown = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#at + more))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.length)
  }
}
