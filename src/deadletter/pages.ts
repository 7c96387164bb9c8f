/** Gathers lines to be written together: pages of at most so many bytes, unless one line alone has more. */
export class Pages {
  readonly #mostBytes: number
  #lines: Uint8Array[] = []
  #bytes = 0
  #full: Uint8Array[] = []

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Adds a line, its end included. */
  add(line: Uint8Array): void {
    if (this.#bytes + line.length > this.#mostBytes) this.#turn()
    this.#lines.push(line)
    this.#bytes += line.length
  }

  /** Takes the pages that are full. */
  takeFull(): readonly Uint8Array[] {
    const full = this.#full
    this.#full = []
    return full
  }

  /** Takes everything. */
  takeAll(): readonly Uint8Array[] {
    this.#turn()
    return this.takeFull()
  }

  #turn(): void {
    if (this.#lines.length > 0) this.#full.push(Buffer.concat(this.#lines))
    this.#lines = []
    this.#bytes = 0
  }
}
