import type { Clock } from '../clock.ts'
import type { Disk } from './disk.ts'
import type { Segments } from './segments.ts'

/** What a journal may take. Sizes in bytes, times in milliseconds. */
export interface RetentionOptions {
  readonly folder: string
  readonly disk: Disk
  readonly clock: Clock
  readonly segments: Segments
  /** Most bytes of one segment, roughly. */
  readonly segmentBytes: number
  readonly maxBytes: number
  readonly maxAgeMs: number | undefined
  readonly minFreeBytes: number
  /** Everything below was delivered to everybody. */
  readonly settled: () => number
  /** A segment could not be removed. */
  readonly trouble: (error: Error) => void
}

/** How often ages are looked at. */
const LOOK_MS = 30_000
/** A clock that went on by so much more or less than it should have was set: ages say nothing until the next look. */
const MOST_DRIFT_MS = 10_000

/** Removes the oldest segments: what the limits do not allow, and what everybody has when the disk is short of space. */
export class Retention {
  readonly #options: RetentionOptions
  #lookedMs: number

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#lookedMs = options.clock.now()
  }

  /** Removes what is too old, every so often, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    for (;;) {
      this.#lookedMs = clock.now()
      await clock.sleep(LOOK_MS, signal)
      if (signal.aborted) return
      await this.#try(() => this.#trimAge())
    }
  }

  /**
   * Makes room before bytes are written.
   *
   * @throws an error with the code ENOSPC when the disk has less free space than has to stay
   */
  async makeRoom(bytes: number): Promise<void> {
    const { segments, maxBytes, segmentBytes } = this.#options
    await this.#try(() => segments.trimBytes(maxBytes - segmentBytes - bytes))
    while (!(await this.#hasSpace(bytes))) {
      if (!(await this.#removeSettled())) throw await this.#noSpace(bytes)
    }
  }

  /** The disk took nothing more: what everybody has gives way. */
  async diskFull(): Promise<void> {
    await this.#removeSettled()
  }

  async #removeSettled(): Promise<boolean> {
    const { segments, settled } = this.#options
    return (await this.#try(() => segments.removeBelow(settled()))) ?? false
  }

  async #trimAge(): Promise<void> {
    const { segments, maxAgeMs, clock } = this.#options
    const now = clock.now()
    const drift = Math.abs(now - this.#lookedMs - LOOK_MS)
    if (maxAgeMs !== undefined && drift <= MOST_DRIFT_MS) await segments.trimAge(now - maxAgeMs)
  }

  async #hasSpace(bytes: number): Promise<boolean> {
    const { disk, folder } = this.#options
    // Where nobody knows, a write that fails will tell.
    const space = await disk.space(folder).catch(() => undefined)
    return space === undefined || space.free - bytes >= this.#least(space.total)
  }

  async #noSpace(bytes: number): Promise<Error> {
    const { disk, folder } = this.#options
    const { free, total } = await disk.space(folder)
    const stay = `${this.#least(total)} have to stay free (--journal-free)`
    const message = `only ${free} bytes are free on its disk; ${bytes} are to be written, and ${stay}`
    return Object.assign(new Error(message), { code: 'ENOSPC' })
  }

  /** A small disk would never have so much. */
  #least(total: number): number {
    return Math.floor(Math.min(this.#options.minFreeBytes, total / 10))
  }

  async #try<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action()
    } catch (error) {
      this.#options.trouble(error as Error)
      return undefined
    }
  }
}
