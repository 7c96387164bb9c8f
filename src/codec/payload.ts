const utf8 = new TextEncoder()

/** Writes the terms of the protocol one after the other into a payload; grows as needed. */
export class PayloadWriter {
  #bytes = new Uint8Array(512)
  #view = new DataView(this.#bytes.buffer)
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

  /** A CString: text as UTF-8, or bytes as they are. NULs cannot be carried: the text ends at the first. */
  string(value: string | Uint8Array): this {
    const bytes = typeof value === 'string' ? utf8.encode(value) : value
    const nul = bytes.indexOf(0)
    const length = nul < 0 ? bytes.length : nul
    this.#reserve(length + 1)
    this.#bytes.set(bytes.subarray(0, length), this.#at)
    this.#at += length
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
    return this.#bytes.slice(0, this.#at)
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
