import { expect } from 'bun:test'
import { type CursorFile, cursorFolder } from '../../src/journal/cursor.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { openCursor } from '../../src/journal/open-cursor.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

const FOLDER = '/journal'

interface Known {
  /** Positions that were committed, in this order. */
  readonly committed: number[]
  /** The power failed, or the file was written over: an older position may be found, or none. */
  loose: boolean
}

/** Cursors of destinations, and what may be found in them. */
export class ModelCursors {
  readonly #known = new Map<string, Known>()

  async commit(disk: SimulatedDisk, journal: Journal, name: string, position: number): Promise<void> {
    const known = this.#get(name)
    if (disk.fails) known.loose = true
    try {
      const cursor = await this.#open(disk, journal, name)
      await cursor.commit({ position, from: 0, counts: { delivered: position, droppedBy: { retention: 1 } } })
      await cursor.close()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
      known.loose = true
    }
    known.committed.push(position)
  }

  /** Writes something else over a cursor. */
  garble(disk: SimulatedDisk, name: string, byte: number): void {
    const path = `${cursorFolder(FOLDER)}/${name}.cursor`
    const known = this.#known.get(name)
    if (known === undefined || disk.file(path) === undefined) return
    disk.put(path, new Uint8Array(300 + 20 * byte).fill(byte))
    known.loose = true
  }

  /** The power failed. */
  mayBeOld(): void {
    for (const known of this.#known.values()) known.loose = true
  }

  /** Opens all of them. */
  async check(disk: SimulatedDisk, journal: Journal): Promise<void> {
    for (const name of this.#known.keys()) await (await this.#open(disk, journal, name)).close()
  }

  #get(name: string): Known {
    const known = this.#known.get(name) ?? { committed: [], loose: true }
    this.#known.set(name, known)
    return known
  }

  async #open(disk: SimulatedDisk, journal: Journal, name: string): Promise<CursorFile> {
    const oldest = journal.start
    const { cursor, state, found } = await openCursor(disk.mount(), FOLDER, name, journal, oldest)
    const known = this.#get(name)
    expect(state.position).toBeLessThanOrEqual(journal.end)
    if (found === 'kept') {
      if (known.loose) expect(known.committed).toContain(state.position)
      else expect(state.position).toBe(known.committed.at(-1)!)
    } else {
      expect(known.loose).toBe(true)
      // A position that was committed is never beyond the end.
      expect(found).not.toBe('ahead')
      expect(state.position).toBeGreaterThanOrEqual(oldest)
      expect(state.position).toBeLessThanOrEqual(journal.start)
    }
    known.committed.push(state.position)
    known.loose = false
    return cursor
  }
}
