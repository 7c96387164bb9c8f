import { LIBC_NAMES } from '../libc.ts'
import source from './thread.mjs' with { type: 'text' }

/** So many bytes are spoken of at a time. */
const STEP_BYTES = 2 * 1024 * 1024
/** So far behind the end nothing stays in memory; what the disk has not yet stays till then, for whoever follows the file. */
const KEPT_BYTES = 8 * 1024 * 1024

type Advice = readonly [fd: number, from: number, bytes: number]

let advise: ((advice: Advice) => void) | undefined

/** Begins the thread, when the first file has grown by a step: many never do. Where there can be none, nobody is advised. */
function begin(): (advice: Advice) => void {
  if (process.platform !== 'linux') return () => undefined
  try {
    const thread = new Worker(URL.createObjectURL(new File([source], 'thread.mjs')))
    thread.unref()
    thread.onerror = (event) => {
      event.preventDefault()
      advise = () => undefined
    }
    thread.postMessage(LIBC_NAMES)
    return (advice) => thread.postMessage(advice)
  } catch {
    return () => undefined
  }
}

/**
 * What a file that is written from end to end leaves in the system's page cache: next to nothing.
 *
 * The system keeps every page of a log until memory is short, and the database's pages then go with them; and it takes fresh
 * memory for each. So pages are given back a few megabytes behind the end of the file, and the next ones are written into the same
 * memory. It is advice that nothing waits for, and a system that does not take it goes on as before.
 */
export class WrittenPages {
  readonly #fd: number
  /** Everything before was spoken of. */
  #advised: number

  /**
   * @param fd of the file; what is said of it after it was closed does nothing, or is harmless to another one
   * @param from offset of the next byte that will be written
   */
  constructor(fd: number, from: number) {
    this.#fd = fd
    this.#advised = from - (from % STEP_BYTES)
  }

  /** Everything up to an offset is written. */
  wrote(end: number): void {
    for (; end - this.#advised >= STEP_BYTES; this.#advised += STEP_BYTES) {
      // A page that the disk has not is not given back: the first time, the system only begins to write it there.
      this.#advise(this.#advised)
      this.#advise(this.#advised - KEPT_BYTES)
    }
  }

  #advise(from: number): void {
    if (from < 0) return
    advise ??= begin()
    advise([this.#fd, from, STEP_BYTES])
  }
}
