import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** Trouble that comes again sooner than this after it was said is not said again until then. */
const QUIET_MS = 10_000

/** Says that the journal cannot be written, and that it can be again: not each time where both follow each other fast. */
export class WriteNotices {
  readonly #folder: string
  readonly #log: Log
  readonly #clock: Clock
  #saidMs = Number.NEGATIVE_INFINITY
  /** Whether the trouble of the moment was said. */
  #said = false

  constructor(options: { readonly folder: string; readonly log: Log; readonly clock: Clock }) {
    this.#folder = options.folder
    this.#log = options.log
    this.#clock = options.clock
  }

  /** A write failed once more; undefined when none does any more. */
  trouble(error: Error | undefined): void {
    if (error === undefined) {
      if (this.#said) this.#log.info('the journal can be written again')
      this.#said = false
      return
    }
    const now = this.#clock.now()
    if (this.#said || Math.abs(now - this.#saidMs) < QUIET_MS) return
    this.#said = true
    this.#saidMs = now
    this.#log.error(`the journal cannot be written: ${error.message}; records wait with their senders`, {
      folder: this.#folder,
    })
  }
}
