import {
  chmodSync,
  createReadStream,
  createWriteStream,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { systemClock } from '../clock.ts'
import { RetryableError } from '../errors.ts'

/** Ways to compress what was rotated, as options name them. */
export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const

const SUFFIXES = { none: '', gzip: '.gz', zstd: '.zst' } as const

/** What happens to files that were rotated; undefined: no limit. */
export interface Keeping {
  readonly compression: (typeof COMPRESSIONS)[number]
  /** Files. */
  readonly keep?: number | undefined
  /** Milliseconds since they were rotated. */
  readonly keepAge?: number | undefined
  /** Bytes of all of them. */
  readonly keepSize?: number | undefined
}

/** What rotation puts behind a file's name; anything else in the folder is not ours to touch. */
const ROTATED = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z(?:-\d+)?(\.gz|\.zst)?(\.partial)?$/

/** `pg.ndjson.20260301T120000123Z`; a number follows where that is taken, compressed or not. */
export function rotatedName(path: string, at: number): string {
  const time = new Date(at).toISOString().replace(/[-:.]/g, '')
  const isFree = (name: string) =>
    Object.values(SUFFIXES).every((suffix) => !statSync(name + suffix, { throwIfNoEntry: false }))
  for (let attempt = 0; ; attempt++) {
    const name = `${path}.${time}${attempt === 0 ? '' : `-${attempt}`}`
    if (isFree(name)) return name
  }
}

/** How long the end of the program waits for a file that is being compressed. */
const GRACE_MS = 2000

interface RotatedFile {
  readonly path: string
  readonly timeMs: number
  readonly bytes: number
  readonly compressed: boolean
  /** What a process that ended in the middle of compressing has left. */
  readonly partial: boolean
}

/** Compresses and deletes what was rotated, one file after the other, while records are written on. */
export class RotatedFiles {
  readonly #path: string
  readonly #keeping: Keeping
  /** What is being done, as long as something is. */
  #work: Promise<void> | undefined
  #again = false
  #failure: Error | undefined
  readonly #stop = new AbortController()

  constructor(path: string, keeping: Keeping) {
    this.#path = path
    this.#keeping = keeping
  }

  /** A file was rotated. */
  tidy(): void {
    this.#again = true
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined
    })
  }

  /** Throws what went wrong since the last call: the batch of this moment carries the news, and is sent again. */
  throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined)
      throw new RetryableError(`a rotated file was not compressed or deleted: ${failure.message}`, {
        cause: failure,
      })
  }

  /** Ends what can be ended in a moment, and leaves the rest to the next process. */
  async stop(): Promise<void> {
    const late = new AbortController()
    await Promise.race([this.#work, systemClock.sleep(GRACE_MS, late.signal)])
    late.abort()
    this.#stop.abort()
    await this.#work
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stop.signal.aborted) {
      this.#again = false
      try {
        await this.#compress()
        this.#prune(Date.now())
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#failure = error as Error
      }
    }
  }

  /** Every file that is not compressed yet, those that were left behind among them. */
  async #compress(): Promise<void> {
    const { compression } = this.#keeping
    if (compression === 'none') return
    for (const { path, compressed, partial } of this.#files()) {
      if (partial) rmSync(path, { force: true })
      else if (!compressed) await compressFile(path, compression, this.#stop.signal)
    }
  }

  #prune(now: number): void {
    const { keep = Number.POSITIVE_INFINITY, keepAge = Number.POSITIVE_INFINITY } = this.#keeping
    const { keepSize = Number.POSITIVE_INFINITY } = this.#keeping
    let files = 0
    let bytes = 0
    for (const file of this.#files().toReversed()) {
      files++
      bytes += file.bytes
      const tooOld = now - file.timeMs > keepAge
      if (files > keep || bytes > keepSize || tooOld) rmSync(file.path, { force: true })
    }
  }

  /** What rotation has made of this file, the oldest first. */
  #files(): RotatedFile[] {
    const prefix = `${basename(this.#path)}.`
    const folder = dirname(this.#path)
    return readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .sort(byTimeAndNumber.compare)
      .flatMap((name) => rotatedFile(join(folder, name), ROTATED.exec(name.slice(prefix.length))))
  }
}

function rotatedFile(path: string, found: RegExpExecArray | null): RotatedFile[] {
  // Somebody may have deleted it in the meantime.
  const status = found && statSync(path, { throwIfNoEntry: false })
  if (!status) return []
  const [year, month, day, hour, minute, second, ms] = found.slice(1, 8).map(Number)
  return [
    {
      path,
      timeMs: Date.UTC(year!, month! - 1, day!, hour!, minute!, second!, ms!),
      bytes: status.size,
      compressed: found[8] !== undefined,
      partial: found[9] !== undefined,
    },
  ]
}

/** The compressed file is there whole or not at all; only then is the other deleted. */
async function compressFile(path: string, how: 'gzip' | 'zstd', signal: AbortSignal): Promise<void> {
  const target = path + SUFFIXES[how]
  const partial = `${target}.partial`
  const { mode } = statSync(path)
  try {
    const squeeze = how === 'gzip' ? createGzip() : createZstdCompress()
    const sink = createWriteStream(partial, { mode: mode & 0o777, flush: true })
    await pipeline(createReadStream(path), squeeze, sink, { signal })
    // The process's umask has taken bits away.
    chmodSync(partial, mode & 0o777)
    renameSync(partial, target)
    rmSync(path)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

const byTimeAndNumber = new Intl.Collator('en', { numeric: true })
