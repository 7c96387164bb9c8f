import { type History, type Page, type Place, recordOf } from './history.ts'
import type { ViewerQuery } from './viewer-query.ts'

/** The part of a server's WebSocket that a viewer needs. */
export interface ViewerSocket {
  sendText(text: string, compress?: boolean): number
  /** Bytes that the system has not taken yet. */
  getBufferedAmount(): number
}

/**
 * Somebody who looks on. It has a place in the history and nothing of its own beside that: who is slow reads on where it
 * stopped, and what leaves the history before that is counted for it as skipped.
 */
export class Viewer {
  readonly #socket: ViewerSocket
  readonly #history: History
  readonly #query: ViewerQuery
  /** Bytes on their way to it from which on it is given nothing more. */
  readonly #buffer: number
  #next: Place
  #isCut = false
  #skipped = 0
  /** Records that it would have seen, and that left the history before. */
  missed = 0

  constructor(socket: ViewerSocket, history: History, query: ViewerQuery, buffer: number) {
    this.#socket = socket
    this.#history = history
    this.#query = query
    this.#buffer = buffer
    this.#next = this.#start()
  }

  /** Sends what is there and can be taken without waiting; called again when there is more of either. */
  pump(): void {
    while (this.#socket.getBufferedAmount() < this.#buffer) {
      if (this.#isCut || this.#skipped > 0) {
        this.#control()
        continue
      }
      const page = this.#history.page(this.#next.page)
      if (page === undefined) return
      const text = this.#textOf(page)
      this.#next = { page: this.#next.page + 1, index: 0 }
      if (text !== '') this.#socket.sendText(text, true)
    }
  }

  /**
   * A page leaves the history: what was to be seen of it will not be.
   *
   * @returns how many records that are
   */
  leaves(number: number, page: Page): number {
    if (this.#next.page > number) return 0
    const { length } = this.#wantedOf(page)
    this.#skipped += length
    this.missed += length
    this.#next = { page: number + 1, index: 0 }
    return length
  }

  #start(): Place {
    const { after, past, filter } = this.#query
    if (after === undefined) return this.#history.last(past, filter)
    const place = this.#history.behind(after)
    this.#isCut = place === undefined
    return place ?? this.#history.start
  }

  #control(): void {
    this.#socket.sendText(this.#isCut ? '{"missed":true}' : `{"skipped":${this.#skipped}}`)
    if (this.#isCut) this.#isCut = false
    else this.#skipped = 0
  }

  #textOf(page: Page): string {
    if (this.#query.filter === undefined && this.#next.index === 0) return this.#history.textOf(page)
    return this.#wantedOf(page)
      .map((record) => record.toString())
      .join('\n')
  }

  #wantedOf(page: Page): Buffer[] {
    const { filter } = this.#query
    const records: Buffer[] = []
    for (let index = this.#next.index; index < page.ends.length; index++) {
      const record = recordOf(page, index)
      if (filter === undefined || filter(record)) records.push(record)
    }
    return records
  }
}
