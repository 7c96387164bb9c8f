import type { Log } from '../log.ts'

/** A viewer, as far as an operator wants to know. */
export interface Seen {
  /** Where it comes from. */
  readonly address: string
  /** Records that it would have seen, and that had left the history before it had read so far. */
  readonly missed: number
}

/** Answers that tell of a limit or of a credential, not of a slip in a URL. */
const WORTH_SAYING: ReadonlySet<number> = new Set([401, 403, 503])

/** What a server of viewers has pgturret's own log say: nobody else sees what viewers miss. */
export class ViewerNotices {
  readonly #name: string
  readonly #log: Log | undefined

  constructor(name: string, log: Log | undefined) {
    this.#name = name
    this.#log = log
  }

  /** It has missed records for the first time, or again. */
  slow({ address, missed }: Seen): void {
    this.#limited('slow', 'a viewer is too slow: records were left out for it', { viewer: address, missed })
  }

  /** It has gone, by its own will or because it did not answer. */
  gone({ address, missed }: Seen, answered: boolean): void {
    if (!answered)
      this.#limited('silent', 'a viewer did not answer pings, and was dropped', { viewer: address, missed })
    else if (missed > 0)
      this.#limited('gone', 'a viewer has gone that was too slow', { viewer: address, missed })
  }

  /** It was turned away. */
  refused(address: string, status: number): void {
    if (WORTH_SAYING.has(status))
      this.#limited('refused', 'a viewer was turned away', { viewer: address, status })
  }

  #limited(what: string, message: string, fields: Readonly<Record<string, string | number>>): void {
    this.#log?.limited(`viewers ${what} ${this.#name}`, `"${this.#name}": ${message}`, fields)
  }
}
