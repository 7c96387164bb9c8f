import { mkdir, rm } from 'node:fs/promises'
import { type Clock, systemClock } from '../clock.ts'
import type { Journal } from '../journal/journal.ts'
import type { Log } from '../log.ts'
import { appendLines, syncFolder } from './append.ts'
import { Encloser } from './enclosure.ts'
import { recordsAt } from './journal-records.ts'
import { type Addressee, encodeLetter, type Letter } from './letter.ts'
import { type LetterFile, letterFiles, openFile, seal } from './letter-files.ts'
import { countLines } from './lines.ts'
import { Pages } from './pages.ts'

/** Where letters are kept. */
export interface DeadLettersOptions {
  readonly folder: string
  /** Where the records are. */
  readonly journal: Pick<Journal, 'reader'>
  /** Most bytes of one exporter's letters, 64 MB by default: beyond it the oldest are discarded. */
  readonly maxBytes?: number | undefined
  readonly log: Log
  readonly clock?: Clock | undefined
}

const MAX_BYTES = 64 * 1024 * 1024
/** Bytes of one write, and so of memory, whatever the number of letters. */
const PAGE_BYTES = 4 * 1024 * 1024
const FOLDER_MODE = 0o750

/** Keeps the records that destinations refused, and why: files of lines, each exporter its own. */
export class DeadLetters {
  readonly #folder: string
  readonly #journal: Pick<Journal, 'reader'>
  readonly #maxBytes: number
  /** Bytes of one file, and so of one line. */
  readonly #fileBytes: number
  readonly #log: Log
  readonly #clock: Clock
  readonly #encloser = new Encloser()
  #last: Promise<void> = Promise.resolve()

  constructor({ folder, journal, maxBytes = MAX_BYTES, log, clock = systemClock }: DeadLettersOptions) {
    this.#folder = folder
    this.#journal = journal
    this.#maxBytes = maxBytes
    this.#fileBytes = Math.floor(maxBytes / 2)
    this.#log = log
    this.#clock = clock
  }

  /**
   * Keeps letters; resolves when they stand on the disk. A record that the journal does not have any more leaves a letter
   * without it.
   *
   * @throws the system's error; some of the letters may have been kept
   */
  store(exporter: Addressee, letters: readonly Letter[]): Promise<void> {
    // One call after the other: the files are looked at, and then changed.
    const stored = this.#last.then(() => this.#store(exporter, letters))
    this.#last = stored.catch(() => undefined)
    return stored
  }

  async #store(exporter: Addressee, letters: readonly Letter[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE })
    const pages = new Pages(Math.min(PAGE_BYTES, this.#fileBytes))
    const left = new Map(letters.map((letter) => [letter.position, letter]))
    const now = this.#clock.now()
    for await (const found of recordsAt(this.#journal, [...left.keys()], this.#encloser.enclose)) {
      for (const [position, enclosure] of found) {
        pages.add(encodeLetter(exporter, left.get(position)!, enclosure, now, this.#fileBytes))
        left.delete(position)
      }
      await this.#write(exporter.name, pages.takeFull())
    }
    for (const letter of left.values())
      pages.add(encodeLetter(exporter, letter, undefined, now, this.#fileBytes))
    await this.#write(exporter.name, pages.takeAll())
  }

  async #write(exporter: string, pages: readonly Uint8Array[]): Promise<void> {
    for (const page of pages) {
      await this.#makeRoom(exporter, page.length)
      await appendLines(openFile(this.#folder, exporter), page)
    }
  }

  /** Seals the open file before it is too long, and discards the oldest files when all together are. */
  async #makeRoom(exporter: string, bytes: number): Promise<void> {
    let files = await letterFiles(this.#folder, exporter)
    const open = files.find(({ sealed }) => !sealed)
    if (open !== undefined && open.bytes > 0 && open.bytes + bytes > this.#fileBytes) {
      await seal(open.path, this.#clock.now())
      await syncFolder(this.#folder)
      files = await letterFiles(this.#folder, exporter)
    }
    let total = files.reduce((sum, file) => sum + file.bytes, bytes)
    for (const file of files.filter(({ sealed }) => sealed)) {
      if (total <= this.#maxBytes) return
      await this.#discard(file)
      total -= file.bytes
    }
  }

  async #discard({ path, exporter }: LetterFile): Promise<void> {
    const discarded = await countLines(path)
    await rm(path, { force: true })
    this.#log.warn(`the oldest dead letters of "${exporter}" are discarded: there is no room for more`, {
      discarded,
      file: path,
    })
  }
}
