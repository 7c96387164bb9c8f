import { fit } from '../observe/table-layout.ts'
import type { CommandContext } from './context.ts'

/** Erases the rest of a line, and all that is below. */
const ERASE_LINE = '\x1b[K'
const ERASE_BELOW = '\x1b[J'

/**
 * Text that takes the place of what was shown before. What was on the terminal stays above it, and the last one stays
 * when the program ends; elsewhere each follows the one before.
 */
export class LiveScreen {
  readonly #context: CommandContext
  readonly #inPlace: boolean
  #linesBefore = 0

  constructor(context: CommandContext, inPlace: boolean) {
    this.#context = context
    this.#inPlace = inPlace
  }

  /** Shows a text; in place, its lines are cut at the terminal's edge, as one that wraps would be two. */
  show(text: string): void {
    if (!this.#inPlace) return this.#context.print(text)
    const columns = process.stdout.columns ?? Number.POSITIVE_INFINITY
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => fit(line, columns))
    // Lines that have left the terminal at its top cannot be written again: only as many are shown as it has.
    const room = Math.max(1, (process.stdout.rows ?? lines.length + 1) - 1)
    const kept =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more`]
    const up = this.#linesBefore === 0 ? '' : `\x1b[${this.#linesBefore}A\r`
    this.#linesBefore = kept.length
    // One write, so that no half of it is seen.
    this.#context.print(`${up}${kept.map((line) => `${line}${ERASE_LINE}\n`).join('')}${ERASE_BELOW}`)
  }
}
