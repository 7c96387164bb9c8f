import { BlockedError, type DeliveryError } from '../errors.ts'
import type { Log, LogFields } from '../log.ts'

/**
 * What one destination has pgturret's own log say: one line when trouble begins, one when a person is needed, one when it
 * ends; none for each attempt.
 */
export class DeliveryNotices {
  readonly #name: string
  readonly #log: Log
  /** What was said of trouble that has not ended. */
  #said: 'nothing' | 'retry' | 'blocked' = 'nothing'
  #saidIndexes = false

  constructor(name: string, log: Log) {
    this.#name = name
    this.#log = log
  }

  /** A batch was not accepted and is tried again. */
  trouble(error: DeliveryError): void {
    const text = `"${this.#name}" does not accept records: ${error.message}; records are kept`
    if (error instanceof BlockedError) {
      if (this.#said !== 'blocked') this.#log.error(`${text}, please mend it`)
      this.#said = 'blocked'
    } else if (this.#said === 'nothing') {
      this.#log.warn(`${text}, trying again`)
      this.#said = 'retry'
    }
  }

  /** A batch was accepted, and none is in trouble any more. */
  accepted(): void {
    if (this.#said !== 'nothing') this.#log.info(`"${this.#name}" accepts records again`)
    this.#said = 'nothing'
  }

  /** Records were refused for good. */
  rejected(records: number, reason: string): void {
    this.#limited('rejected', `"${this.#name}" refused records: ${reason}`, { records })
  }

  /** Records were not taken. */
  dropped(why: string, dropped: number): void {
    this.#limited('dropped', `records for "${this.#name}" are dropped: ${why}`, { dropped })
  }

  /** The destination itself was given up. */
  gaveUp(error: DeliveryError): void {
    this.#log.error(`gave up on "${this.#name}": ${error.message}`)
  }

  /** A batch was given up; the next one is tried. */
  gaveUpBatch(error: DeliveryError, records: number): void {
    this.#limited('gave up', `gave up records for "${this.#name}": ${error.message}`, { records })
  }

  /** The exporter named records that the batch does not have. Said once: it is its bug. */
  wrongIndexes(): void {
    if (this.#saidIndexes) return
    this.#saidIndexes = true
    this.#log.error(
      `bug in the exporter of "${this.#name}": it named records that are not in its batch; the batch is sent again`,
    )
  }

  /** A call that was told to end has not ended. */
  stuck(): void {
    this.#limited('stuck', `a request to "${this.#name}" did not end when it was told to; it is sent again`)
  }

  /** What it cannot store: a position, dead letters. Records go on. */
  notStored(what: string, thrown: unknown): void {
    const text = thrown instanceof Error ? thrown.message : String(thrown)
    this.#limited(what, `could not store ${what} of "${this.#name}": ${text}`)
  }

  /** The exporter did not close. */
  notClosed(error: DeliveryError): void {
    this.#log.error(`could not close "${this.#name}": ${error.message}`)
  }

  /** The exporter did not come back in time from a call when the program ended. */
  notStopped(): void {
    this.#log.error(`"${this.#name}" did not stop in time`)
  }

  #limited(key: string, message: string, fields?: LogFields): void {
    this.#log.limited(`${key} ${this.#name}`, message, fields)
  }
}
