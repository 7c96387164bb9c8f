import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Palette } from './palette.ts'
import { columnsOf, visibleName } from './visible.ts'

/** Longer names push the rest of their own line to the right only. */
const MOST_COLUMNS = 30

/**
 * Which server each record is of, for the pretty format: nothing as long as there is one, and from the second one on a
 * column with their names.
 */
export class Senders {
  readonly #palette: Palette
  #source: Source | undefined
  #first: string | undefined
  #several = false
  #name = ''
  #columns = 0
  #column = ''

  constructor(palette: Palette) {
    this.#palette = palette
  }

  /** Moves on to a record; a line of its own where the second server appears. */
  mark({ source }: RecordView): string {
    if (source === this.#source) return ''
    this.#source = source
    this.#name = visibleName(source.identity) || '-'
    if (this.#first === undefined) {
      this.#first = source.identity
      this.#widen(this.#name)
    }
    const isSecond = !this.#several && source.identity !== this.#first
    if (isSecond) this.#several = true
    if (this.#several) this.#makeColumn()
    if (!isSecond) return ''
    const first = visibleName(this.#first) || 'a server without a name'
    return `${this.#palette.day(`── several servers from here on; what is above is of ${first}`)}\n`
  }

  /** The name in its column, or nothing. */
  get column(): string {
    return this.#column
  }

  #makeColumn(): void {
    this.#widen(this.#name)
    const gap = ' '.repeat(Math.max(0, this.#columns - columnsOf(this.#name)) + 1)
    this.#column = this.#palette.sender(this.#name) + gap
  }

  #widen(name: string): void {
    this.#columns = Math.max(this.#columns, Math.min(MOST_COLUMNS, columnsOf(name)))
  }
}
