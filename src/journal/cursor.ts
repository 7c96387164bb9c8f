import { join } from 'node:path'
import { type CursorState, encodeSlot, newestSlot, SLOT_BYTES, SLOTS } from './cursor-slot.ts'
import type { Disk, DiskFile } from './disk.ts'

export type { CursorState } from './cursor-slot.ts'

/**
 * One destination's cursor on the disk. The file has two slots that are written in turn, each in one system call: whenever
 * the process is killed, one of them is whole.
 */
export class CursorFile {
  readonly #file: DiskFile
  /** Of the last slot that was written. */
  #generation: number
  #wanted: CursorState | undefined
  #writing: Promise<void> | undefined

  private constructor(file: DiskFile, generation: number) {
    this.#file = file
    this.#generation = generation
  }

  /**
   * Opens the cursor of a destination. `openCursor` does this and looks whether it fits its journal.
   *
   * @returns the state that was found: none when there is no cursor yet, `damaged` when it cannot be read (the file is kept
   *   aside under another name)
   * @throws the system's error when there can be no such file
   */
  static async open(
    disk: Disk,
    folder: string,
    name: string,
  ): Promise<{ cursor: CursorFile; state: CursorState | undefined; damaged: boolean }> {
    const path = cursorPath(folder, name)
    let file = await disk.open(path, 'update')
    const { slot, damaged } = await readSlots(file)
    if (damaged) {
      await file.close()
      await disk.rename(path, `${path}.damaged`)
      file = await disk.open(path, 'update')
    }
    return { cursor: new CursorFile(file, slot?.generation ?? 0), state: slot, damaged }
  }

  /**
   * Writes the state. While one is being written only the newest of those that wait is written next. Not synced: after a power
   * failure an older one may be found, and its records are sent again.
   *
   * @throws the system's error; what was written before stays
   */
  async commit(state: CursorState): Promise<void> {
    this.#wanted = state
    this.#writing ??= this.#writeWanted()
    await this.#writing
  }

  /** Closes the file when what is being written is written. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined)
    await this.#file.close()
  }

  async #writeWanted(): Promise<void> {
    try {
      while (this.#wanted !== undefined) {
        const state = this.#wanted
        this.#wanted = undefined
        const generation = this.#generation + 1
        await this.#file.write(encodeSlot({ ...state, generation }), (generation % SLOTS) * SLOT_BYTES)
        // Not before it is written: the next one must not go over the slot that is whole.
        this.#generation = generation
      }
    } finally {
      this.#writing = undefined
    }
  }
}

/** Where cursors are kept in a journal's folder. */
export const cursorFolder = (journal: string): string => join(journal, 'cursors')

const SUFFIX = '.cursor'

const cursorPath = (folder: string, name: string): string => join(folder, `${name}${SUFFIX}`)

async function readSlots(file: DiskFile) {
  const bytes = new Uint8Array(SLOT_BYTES * SLOTS)
  // What cannot be read is as good as damaged.
  const length = await file.read(bytes, 0).catch(() => bytes.length)
  const slot = newestSlot(bytes.subarray(0, length))
  return { slot, damaged: slot === undefined && length > 0 }
}

/**
 * Every cursor of a folder by its destination's name; undefined for one that cannot be read.
 *
 * @throws the system's error when the folder cannot be read
 */
export async function readCursors(
  disk: Disk,
  folder: string,
): Promise<ReadonlyMap<string, CursorState | undefined>> {
  const cursors = new Map<string, CursorState | undefined>()
  for (const { name } of await disk.list(folder)) {
    if (!name.endsWith(SUFFIX)) continue
    const file = await disk.open(join(folder, name), 'read').catch(() => undefined)
    const found = file === undefined ? undefined : await readSlots(file)
    await file?.close()
    cursors.set(name.slice(0, -SUFFIX.length), found?.slot)
  }
  return cursors
}

/**
 * Removes the cursor of a destination that is not served any more.
 *
 * @throws the system's error
 */
export async function removeCursor(disk: Disk, folder: string, name: string): Promise<void> {
  await disk.remove(cursorPath(folder, name))
}
