import type { Log } from '../../log.ts'
import { countText } from '../../observe/amounts.ts'

/** Damaged places that are reported one by one; the rest is only counted. */
const MOST_REPORTS = 20

/** Says what is damaged, as long as that helps anybody. */
export class Damage {
  places = 0
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  report(name: string, message: string, fields: Readonly<Record<string, number>> = {}): void {
    if (++this.places <= MOST_REPORTS) this.#log.error(`${name}: ${message}`, fields)
  }

  /** There will be no more. */
  end(): void {
    const more = this.places - MOST_REPORTS
    if (more > 0) this.#log.error(`${countText(more)} more damaged places`)
  }
}
