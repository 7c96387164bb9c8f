import { closeSync, openSync, readSync, statSync } from 'node:fs'

const NEWLINE = 0x0a

/** Counts the lines of a file that somebody else is writing. */
export class LineCount {
  lines = 0
  readonly #path: string
  readonly #buffer = new Uint8Array(1024 * 1024)
  #at = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Counts what has come since the last time; returns all lines so far. */
  look(): number {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    if (size === this.#at) return this.lines
    const fd = openSync(this.#path, 'r')
    while (this.#at < size) {
      const length = readSync(fd, this.#buffer, 0, this.#buffer.length, this.#at)
      if (length === 0) break
      this.#count(length)
      this.#at += length
    }
    closeSync(fd)
    return this.lines
  }

  #count(length: number): void {
    const bytes = this.#buffer.subarray(0, length)
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) this.lines++
  }
}
