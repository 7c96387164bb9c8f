/**
 * Follows the outline of a zstd file (RFC 8878), to know whether it ends where a frame does: the decompressor takes one that
 * is cut off for one that has ended.
 *
 *     frame      magic (4), descriptor (1), window · dictionary · size (0 to 13), blocks, [checksum (4)]
 *     block      header (3): last (1 bit), type (2 bits), size (21 bits); content
 *     skippable  magic (4): 50 to 5F 2A 4D 18, size (4), content
 */
export class ZstdEnd {
  /** Bytes of a header that are awaited, and what is done with them. */
  #awaited = 4
  #header = new Uint8Array(8)
  #held = 0
  #then: (header: Uint8Array) => void = (header) => this.#magic(header)
  /** Bytes that say nothing. */
  #content = 0
  #hasChecksum = false
  #between = true

  /** Whether everything so far is whole frames. */
  get isEnd(): boolean {
    return this.#between && this.#held === 0 && this.#content === 0
  }

  /** Takes the next bytes. What is damaged is not noticed: that is the decompressor's. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const passed = Math.min(this.#content, bytes.length - at)
      this.#content -= passed
      at += passed
      while (this.#content === 0 && at < bytes.length) {
        this.#header[this.#held++] = bytes[at++]!
        if (this.#held < this.#awaited) continue
        this.#held = 0
        this.#then(this.#header)
      }
    }
  }

  #await(bytes: number, then: (header: Uint8Array) => void): void {
    this.#awaited = bytes
    this.#then = then
  }

  #magic(header: Uint8Array): void {
    this.#between = false
    if (header[3] === 0x18) this.#await(4, (size) => this.#skippable(size))
    else this.#await(1, (descriptor) => this.#descriptor(descriptor[0]!))
  }

  #skippable(size: Uint8Array): void {
    this.#content = (size[0]! | (size[1]! << 8) | (size[2]! << 16) | (size[3]! << 24)) >>> 0
    this.#frameEnded()
  }

  #descriptor(descriptor: number): void {
    const isSingle = (descriptor & 0x20) !== 0
    const sizeFlag = descriptor >> 6
    const size = sizeFlag === 0 ? Number(isSingle) : 1 << sizeFlag
    this.#hasChecksum = (descriptor & 0x04) !== 0
    this.#content = Number(!isSingle) + [0, 1, 2, 4][descriptor & 3]! + size
    this.#await(3, (header) => this.#block(header))
  }

  #block(header: Uint8Array): void {
    const bits = header[0]! | (header[1]! << 8) | (header[2]! << 16)
    const isRun = ((bits >> 1) & 3) === 1
    this.#content = isRun ? 1 : bits >> 3
    if ((bits & 1) === 0) return
    if (this.#hasChecksum) this.#content += 4
    this.#frameEnded()
  }

  #frameEnded(): void {
    this.#between = true
    this.#await(4, (header) => this.#magic(header))
  }
}
