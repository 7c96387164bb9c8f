import { type Clock, systemClock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { type Progress, progressLine } from './progress-line.ts'

/** How often it is drawn: more often would be work for nobody's eyes. */
const DRAW_MS = 100
/** It is drawn although nothing has come, for the speed to fall. */
const IDLE_MS = 500
/** Speed is that of the last while. */
const WINDOW_MS = 5000

const ERASE = '\r\x1b[K'

/** The last line of a terminal, which shows how far a replay has come, and is gone when it ends. */
export class ProgressBar {
  readonly #write: (text: string) => void
  readonly #columns: () => number | undefined
  readonly #clock: Clock
  readonly #end = new AbortController()
  readonly #before: { readonly at: number; readonly progress: Progress }[] = []
  #progress: Progress | undefined
  #drawnMs = Number.NEGATIVE_INFINITY
  #shown = false

  constructor(write: (text: string) => void, columns: () => number | undefined, clock: Clock = systemClock) {
    this.#write = write
    this.#columns = columns
    this.#clock = clock
    void this.#keepDrawing()
  }

  /** A log whose lines stand above the bar. */
  log(log: Log): Log {
    const above =
      <A extends unknown[]>(say: (...words: A) => void) =>
      (...words: A) => {
        this.#erase()
        say(...words)
        this.#draw()
      }
    return {
      info: above(log.info),
      warn: above(log.warn),
      error: above(log.error),
      limited: above(log.limited),
    }
  }

  /** How far it has come now. */
  show(progress: Progress): void {
    this.#progress = progress
    if (this.#clock.now() - this.#drawnMs >= DRAW_MS) this.#draw()
  }

  /** Takes it away for good. */
  end(): void {
    this.#end.abort()
    this.#erase()
  }

  async #keepDrawing(): Promise<void> {
    for (;;) {
      await this.#clock.sleep(IDLE_MS, this.#end.signal)
      if (this.#end.signal.aborted) return
      this.#draw()
    }
  }

  #draw(): void {
    const columns = this.#columns()
    if (this.#progress === undefined || columns === undefined || this.#end.signal.aborted) return
    this.#drawnMs = this.#clock.now()
    // In the last column some terminals begin a new line.
    const line = progressLine(this.#progress, this.#speed(this.#progress), columns - 1)
    this.#write(`${ERASE}${line}`)
    this.#shown = true
  }

  #erase(): void {
    if (this.#shown) this.#write(ERASE)
    this.#shown = false
  }

  #speed(progress: Progress) {
    const before = this.#before
    before.push({ at: this.#drawnMs, progress })
    while (before.length > 2 && this.#drawnMs - before[0]!.at > WINDOW_MS) before.shift()
    const { at, progress: then } = before[0]!
    const seconds = (this.#drawnMs - at) / 1000
    const per = (now: number, earlier: number) => (seconds > 0 ? (now - earlier) / seconds : 0)
    return {
      recordsPerSecond: per(progress.records, then.records),
      bytesPerSecond: per(progress.bytes, then.bytes),
    }
  }
}
