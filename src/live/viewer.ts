import { encodeCheckpoint, encodeHeartbeat, encodePlace } from '../codec/control.ts'
import { crc32c } from '../codec/crc32c.ts'
import type { Block } from '../journal/block.ts'
import type { Journal, JournalReader, Taken } from '../journal/journal.ts'

/** Bounds of one viewer. */
export interface ViewerLimits {
  /** Records that one which was at the end may be behind before it is put to the end again. */
  readonly records: number
  /** The same in bytes. */
  readonly bytes: number
  /** Bytes that are kept for one where the journal forgets what destinations have had. */
  readonly keptBytes: number
}

/** What a viewer reads, and how far. */
export interface ViewerOptions {
  readonly journal: Journal
  /** Whether the journal is in memory: it forgets what every destination has had, and its blocks are not closed by `K`. */
  readonly forgets: boolean
  readonly from: number
  /** Position at which it is done. */
  readonly to: number
  readonly limits: ViewerLimits
  /** An idle stream says so often that it is alive, in milliseconds. */
  readonly heartbeatMs: number
  /** It has gone, or is done. */
  readonly closed: () => void
}

/**
 * One viewer: a reader of the journal like a destination's, but nobody waits for it and nothing is kept for it. What it has not
 * asked for stays in the journal, so it costs the listener the one block that is on its way to it, however slow it is.
 *
 * Who was at the end once and is too far behind goes on at the end; what lies between is counted, and said in its place.
 * Who still reads the past is left to it: that comes from the disk, at the viewer's own pace.
 */
export class Viewer {
  readonly #options: ViewerOptions
  #reader: JournalReader
  #begun = false
  /** It was at the end, or close to it. */
  #live = false
  #gone = false
  #wake: (() => void) | undefined
  /** What a journal that forgets would not have any more; the oldest first. */
  #kept: Uint8Array[] = []
  #keptBytes = 0

  constructor(options: ViewerOptions) {
    this.#options = options
    this.#reader = options.journal.reader(options.from, true)
  }

  /** There is more to read. Called before anybody else can say that he has had it. */
  readonly wake = (): void => {
    const { forgets, limits } = this.#options
    while (forgets && this.#keptBytes < limits.keptBytes) {
      const frames = this.#take()
      if (frames === undefined) break
      this.#kept.push(frames)
      this.#keptBytes += frames.length
    }
    this.#wake?.()
  }

  /** Called when the viewer has room for more. */
  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (!this.#begun) {
      this.#begun = true
      return controller.enqueue(this.#place())
    }
    while (!this.#gone) {
      const frames = this.#next()
      if (frames !== undefined) return controller.enqueue(frames)
      if (this.#reader.position >= this.#options.to) {
        controller.close()
        return this.#close()
      }
      if (this.#reader.behind) await this.#reader.load()
      else if (!(await this.#more()) && !this.#gone) return controller.enqueue(encodeHeartbeat())
    }
  }

  /** The viewer has gone. */
  cancel(): void {
    this.#close()
  }

  /** Where it begins: behind what a journal in memory has forgotten. */
  #place(): Uint8Array {
    const { position } = this.#reader
    const skipped = position - this.#options.from
    return placeAt(position, skipped, skipped > 0 ? 'retention' : '')
  }

  /** What comes next, without waiting. */
  #next(): Uint8Array | undefined {
    const kept = this.#kept.shift()
    this.#keptBytes -= kept?.length ?? 0
    if (kept !== undefined) return kept
    if (this.#reader.position >= this.#options.to) return undefined
    return this.#isTooFar() ? this.#jump() : this.#take()
  }

  /** The next block, copied: the journal uses its buffers again. */
  #take(): Uint8Array | undefined {
    const taken = this.#reader.take()
    return taken === undefined ? undefined : framesOf(taken, !this.#options.forgets)
  }

  #isTooFar(): boolean {
    const { journal, limits, to } = this.#options
    const { position } = this.#reader
    if (Number.isFinite(to)) return false
    const isFar = journal.end - position > limits.records || journal.bytesAfter(position) > limits.bytes
    if (!isFar) this.#live = true
    return isFar && this.#live
  }

  #jump(): Uint8Array {
    const { journal } = this.#options
    const from = this.#reader.position
    const { end } = journal
    this.#reader.close()
    this.#reader = journal.reader(end, true)
    return placeAt(end, end - from, 'slow')
  }

  /** Waits until there is more; false when nothing came for a while. */
  #more(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (more: boolean) => {
        clearTimeout(heartbeat)
        this.#wake = undefined
        resolve(more)
      }
      const heartbeat = setTimeout(done, this.#options.heartbeatMs, false)
      this.#wake = () => done(true)
    })
  }

  #close(): void {
    if (this.#gone) return
    this.#gone = true
    this.#reader.close()
    this.#wake?.()
    this.#options.closed()
  }
}

const placeAt = (position: number, skipped: number, reason: string): Uint8Array =>
  encodePlace({ position: BigInt(position), skipped: BigInt(skipped), reason })

function framesOf({ block, gap }: Taken, isClosed: boolean): Uint8Array {
  const place = gap === undefined ? [] : [placeAt(gap.to, gap.to - gap.from, gap.reason)]
  const closing = isClosed || block.bytes.length === 0 ? [] : [closingOf(block)]
  return Buffer.concat([...place, block.bytes, ...closing])
}

/** The `K` of a block that has none: it says where the block belongs. */
function closingOf({ bytes, position, entries, timeMs }: Block): Uint8Array {
  return encodeCheckpoint({
    position: BigInt(position),
    records: entries,
    crc32c: crc32c(bytes, 0, bytes.length),
    timeMicros: BigInt(Math.round(timeMs)) * 1000n,
  })
}
