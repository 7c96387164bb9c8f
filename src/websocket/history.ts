import type { Batch } from '../exporter.ts'
import type { RecordFilter } from './record-filter.ts'

/** A batch that is kept: records as lines of canonical JSON. */
export interface Page {
  readonly bytes: Buffer
  /** Offset after each record's line end. */
  readonly ends: Uint32Array
}

/** The record that a viewer is to see next: its page's number, and its index there. */
export interface Place {
  readonly page: number
  readonly index: number
}

/** What a page costs beside its bytes. */
const PAGE_BYTES = 256
const LINE_END_BYTES = 1

/** The newest records, in a bounded number of bytes; the last batch is kept whatever its size. */
export class History {
  readonly #limit: number
  readonly #pages = new Map<number, Page>()
  #first = 0
  #next = 0
  #bytes = 0
  #text: { readonly page: Page; readonly text: string } | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Where what comes next will stand. */
  get end(): Place {
    return { page: this.#next, index: 0 }
  }

  /**
   * Keeps a copy of a batch.
   *
   * @param leaves told of each page that has to go for it, oldest first
   */
  add({ bytes, ends }: Batch, leaves: (number: number, page: Page) => void): void {
    const page = { bytes: Buffer.from(bytes), ends: ends.slice() }
    this.#pages.set(this.#next++, page)
    this.#bytes += sizeOf(page)
    while (this.#bytes > this.#limit && this.#pages.size > 1) {
      const oldest = this.#pages.get(this.#first)!
      this.#pages.delete(this.#first)
      this.#bytes -= sizeOf(oldest)
      leaves(this.#first++, oldest)
    }
  }

  /** A page by its number; undefined before the first and behind the last. */
  page(number: number): Page | undefined {
    return this.#pages.get(number)
  }

  /** Where the last `count` records that are wanted begin. */
  last(count: number, wanted: RecordFilter | undefined): Place {
    let place = this.end
    for (let number = this.#next - 1, found = 0; number >= this.#first && found < count; number--) {
      const page = this.#pages.get(number)!
      for (let index = page.ends.length - 1; index >= 0 && found < count; index--) {
        if (wanted !== undefined && !wanted(recordOf(page, index))) continue
        place = { page: number, index }
        found++
      }
    }
    return place
  }

  /** The place behind the record with this uid; undefined when it is not there. */
  behind(uid: string): Place | undefined {
    const needle = Buffer.from(`,"uid":${JSON.stringify(uid)}`)
    for (let number = this.#next - 1; number >= this.#first; number--) {
      const page = this.#pages.get(number)!
      const at = page.bytes.lastIndexOf(needle)
      if (at >= 0) return { page: number, index: page.ends.findIndex((end) => end > at) + 1 }
    }
    return undefined
  }

  /** The oldest record. */
  get start(): Place {
    return { page: this.#first, index: 0 }
  }

  /** All of a page, as lines. Most viewers want the same one, the newest, so its text is kept. */
  textOf(page: Page): string {
    if (this.#text?.page !== page)
      this.#text = { page, text: page.bytes.toString('utf8', 0, page.bytes.length - LINE_END_BYTES) }
    return this.#text.text
  }
}

/** A record's line, its end left out; a window on the page. */
export function recordOf({ bytes, ends }: Page, index: number): Buffer {
  return bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index]! - LINE_END_BYTES)
}

const sizeOf = ({ bytes, ends }: Page): number => bytes.length + ends.byteLength + PAGE_BYTES
