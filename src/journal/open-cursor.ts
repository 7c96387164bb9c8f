import { CursorFile, type CursorState, cursorFolder } from './cursor.ts'
import type { Disk } from './disk.ts'

/** A destination's cursor in a journal. */
export interface OpenCursor {
  readonly cursor: CursorFile
  /** Where the destination goes on. */
  readonly state: CursorState
  /**
   * `new`: the journal has not met the destination before; `kept`: it goes on; `damaged`: its cursor could not be read, and it
   * begins with the oldest entry; `ahead`: its cursor was beyond the end of the journal, and it begins there.
   */
  readonly found: 'new' | 'kept' | 'damaged' | 'ahead'
}

/**
 * Opens a destination's cursor. What is returned fits the journal and stands in the file, so that it has the same meaning at
 * the next start.
 *
 * @param start where a destination begins that is new
 * @throws the system's error when the file cannot be made, read or written
 */
export async function openCursor(
  disk: Disk,
  folder: string,
  name: string,
  journal: { readonly start: number; readonly end: number },
  start: number,
): Promise<OpenCursor> {
  await disk.makeFolder(cursorFolder(folder))
  const { cursor, state, damaged } = await CursorFile.open(disk, cursorFolder(folder), name)
  const found = damaged
    ? 'damaged'
    : state === undefined
      ? 'new'
      : state.position > journal.end
        ? 'ahead'
        : 'kept'
  if (found === 'kept') return { cursor, state: state!, found }
  // Nobody knows how far it had come: twice is better than never.
  const position = { damaged: journal.start, new: start, ahead: journal.end }[found]
  const begin = { position, from: position, counts: {} }
  await cursor.commit(begin)
  return { cursor, state: begin, found }
}
