import { open, rename } from 'node:fs/promises'
import type { Recording } from '../recording/find.ts'
import { checkMark, type Mark, readMarks } from './marks.ts'
import type { Place } from './settled.ts'

/** How often it is made sure that a power failure loses no more: each time would cost as much as sending. */
const SYNC_MS = 1000
/** For its owner and group only, like what is replayed. */
const FILE_MODE = 0o640

/** Where a recording was left, to go on with the next one. */
export interface End {
  readonly position: number
  readonly bytes: number
  /** Whether there was nothing more in it. */
  readonly finished: boolean
}

/**
 * Remembers in a file how far a replay has come, recording by recording. It is replaced as a whole: whenever the process is
 * killed, an old state or a new one is there.
 */
export class CursorFile {
  readonly #path: string
  readonly #to: readonly string[]
  readonly #recordings: readonly Recording[]
  readonly #marks: Map<string, Mark>
  readonly #ends = new Map<number, End>()
  #dirty = true
  #syncedMs = Number.NEGATIVE_INFINITY
  #writing: Promise<void> | undefined

  private constructor(
    path: string,
    to: readonly string[],
    recordings: readonly Recording[],
    marks: Map<string, Mark>,
  ) {
    this.#path = path
    this.#to = to
    this.#recordings = recordings
    this.#marks = marks
  }

  /**
   * Reads the file, if it is there, and writes it, so that trouble shows at the start.
   *
   * @param to names of the destinations; they are the same whenever the file is used
   * @param readOnly whether the file stays as it is
   * @param problems gets a sentence for everything by which the file does not fit what is asked for
   */
  static async open(
    path: string,
    recordings: readonly Recording[],
    to: readonly string[],
    readOnly: boolean,
    problems: string[],
  ): Promise<CursorFile | undefined> {
    const before = problems.length
    const marks = readMarks(path, to, problems)
    const paths = recordings.map((recording) => recording.path)
    for (const recording of recordings) {
      if (recording.bytes === undefined)
        problems.push(`--resume: ${recording.name} cannot be read a second time`)
      else if (paths.indexOf(recording.path) !== paths.lastIndexOf(recording.path))
        problems.push(`--resume: "${recording.name}" is given more than once`)
      else await checkMark(path, recording, marks, problems)
    }
    if (problems.length > before) return undefined
    const file = new CursorFile(path, to, recordings, marks)
    try {
      if (!readOnly) await file.store()
      return file
    } catch (error) {
      problems.push(`--resume: "${path}" cannot be written: ${(error as Error).message}`)
      return undefined
    }
  }

  /** Where a recording goes on. */
  from(recording: number): number {
    return this.#markOf(recording).position
  }

  /** Whether there is nothing in a recording that is not settled. */
  isFinished(recording: number): boolean {
    const { kind, bytes } = this.#recordings[recording]!
    const { finished, bytes: before } = this.#markOf(recording)
    return finished && kind === 'file' && bytes === before
  }

  /** Nothing more of a recording is read. */
  left(recording: number, end: End): void {
    this.#ends.set(recording, end)
  }

  /** Everything before a place is settled; `store` writes it down. */
  settled({ recording, position }: Place): void {
    for (const [index, end] of this.#ends) {
      if (index < recording || (index === recording && position >= end.position)) this.#finish(index, end)
    }
    const mark = this.#markOf(recording)
    if (position > mark.position) this.#set(recording, { ...mark, position })
  }

  /**
   * Writes down what is settled. What comes while it is being written is written next, once.
   *
   * @throws the system's error; the file stays as it was then
   */
  async store(): Promise<void> {
    this.#writing ??= this.#write()
    await this.#writing
  }

  #markOf(recording: number): Mark {
    return this.#marks.get(this.#recordings[recording]!.path)!
  }

  #set(recording: number, mark: Mark): void {
    this.#marks.set(this.#recordings[recording]!.path, mark)
    this.#dirty = true
  }

  #finish(recording: number, { position, bytes, finished }: End): void {
    const mark = this.#markOf(recording)
    this.#ends.delete(recording)
    const come = { ...mark, position: Math.max(position, mark.position) }
    this.#set(recording, finished ? { ...come, bytes, finished } : come)
  }

  async #write(): Promise<void> {
    try {
      while (this.#dirty) {
        this.#dirty = false
        const state = { pgturretReplay: 1, to: this.#to, recordings: Object.fromEntries(this.#marks) }
        const sync = performance.now() - this.#syncedMs >= SYNC_MS
        await replaceFile(this.#path, `${JSON.stringify(state, null, 2)}\n`, sync)
        if (sync) this.#syncedMs = performance.now()
      }
    } catch (error) {
      this.#dirty = true
      throw error
    } finally {
      this.#writing = undefined
    }
  }
}

async function replaceFile(path: string, text: string, sync: boolean): Promise<void> {
  const file = await open(`${path}.new`, 'w', FILE_MODE)
  try {
    await file.writeFile(text)
    // A name that leads to a file that is not on the disk yet would be an empty file after a power failure.
    if (sync) await file.datasync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
