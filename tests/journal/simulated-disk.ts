import { basename, dirname } from 'node:path'
import type { Disk, DiskEntry, DiskFile } from '../../src/journal/disk.ts'
import { SimulatedFile } from './simulated-file.ts'

/** What is changed in a folder, and can be lost as long as the folder is not synced. */
interface NameChange {
  readonly name: string
  /** What the name stands for now; undefined when it was removed. */
  readonly file: SimulatedFile | undefined
}

interface Folder {
  readonly names: Map<string, SimulatedFile>
  /** As they stand on the disk. */
  readonly synced: Map<string, SimulatedFile>
  pending: NameChange[]
}

/** What a disk can be made to fail at. */
export type Operation = 'open' | 'write' | 'sync' | 'read' | 'truncate' | 'rename' | 'remove'

/** An error as the system makes it. */
export const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: simulated`), { code, syscall: 'simulated' })

/**
 * A disk in memory that forgets what was not synced when the power fails, and fails when it is told to. Every operation takes
 * a moment, so that a crash can come in the middle of anything.
 */
export class SimulatedDisk {
  /** Bytes that all files together may have. */
  capacity = Number.POSITIVE_INFINITY
  /** How often each operation fails from now on, and how. */
  readonly failures = new Map<Operation, { times: number; code: string }>()
  /** Offsets that cannot be read, by path. */
  readonly badBytes = new Map<string, readonly [from: number, to: number]>()
  #failed = 0
  readonly #folders = new Map<string, Folder>()
  /** Counts crashes: whoever was there before is not heard any more. */
  #life = 0

  /** The disk as a process sees it, until the next crash: then none of its calls ever returns. */
  mount(): Disk {
    const life = this.#life
    const step = async (): Promise<void> => {
      await Promise.resolve()
      if (life !== this.#life) await new Promise(() => undefined)
    }
    return {
      makeFolder: async (path) => {
        await step()
        this.#folder(path)
      },
      list: async (folder) => {
        await step()
        return this.#list(folder)
      },
      open: async (path, how) => {
        await step()
        this.#fail('open')
        return this.#handle(this.#open(path, how), path, step)
      },
      remove: async (path) => {
        await step()
        this.#fail('remove')
        this.#rename(path, undefined)
      },
      rename: async (from, to) => {
        await step()
        this.#fail('rename')
        const file = this.file(from)
        if (file === undefined) throw systemError('ENOENT')
        this.#rename(from, undefined)
        this.#rename(to, file)
      },
      syncFolder: async (path) => {
        await step()
        this.#fail('sync')
        const folder = this.#folder(path)
        for (const { name, file } of folder.pending) setName(folder.synced, name, file)
        folder.pending = []
      },
      space: async () => {
        await step()
        return { free: this.capacity - this.bytes, total: this.capacity }
      },
    }
  }

  /** The process is killed: what it had written stays. */
  killProcess(): void {
    this.#life++
    for (const { names } of this.#folders.values()) for (const file of names.values()) file.remember()
  }

  /**
   * The power fails: of what was not synced some is there, whole or in part, in any order.
   *
   * @param chance says, for each piece, from 0 to below 1, whether it was lost
   */
  cutPower(chance: () => number): void {
    this.#life++
    const files = new Set<SimulatedFile>()
    for (const folder of this.#folders.values()) {
      const kept = Math.floor(chance() * (folder.pending.length + 1))
      for (const { name, file } of folder.pending.slice(0, kept)) setName(folder.synced, name, file)
      folder.pending = []
      folder.names.clear()
      for (const [name, file] of folder.synced) {
        folder.names.set(name, file)
        files.add(file)
      }
    }
    for (const file of files) file.cutPower(chance)
  }

  /** Whether something may fail. */
  get fails(): boolean {
    return (
      this.capacity !== Number.POSITIVE_INFINITY || [...this.failures.values()].some(({ times }) => times > 0)
    )
  }

  /** So much has failed that a file may have been given up, with what was never synced in it. */
  get failedOften(): boolean {
    return this.#failed >= 8
  }

  /** Nothing fails any more. */
  mend(): void {
    this.failures.clear()
    this.badBytes.clear()
    this.capacity = Number.POSITIVE_INFINITY
    this.#failed = 0
  }

  /** Bytes of all files. */
  get bytes(): number {
    const files = [...this.#folders.values()].flatMap(({ names }) => [...names.values()])
    return files.reduce((sum, file) => sum + file.contents.length, 0)
  }

  /** Paths of a folder, sorted. */
  paths(folder: string): string[] {
    return [...(this.#folders.get(folder)?.names.keys() ?? [])].sort().map((name) => `${folder}/${name}`)
  }

  /** The file of a path; undefined when there is none. */
  file(path: string): SimulatedFile | undefined {
    return this.#folders.get(dirname(path))?.names.get(basename(path))
  }

  /** Puts a file there, as a person could; it is on the disk at once. */
  put(path: string, contents: Uint8Array): void {
    const folder = this.#folder(dirname(path))
    const file = new SimulatedFile()
    file.replace(contents)
    folder.names.set(basename(path), file)
    folder.synced.set(basename(path), file)
  }

  #list(path: string): DiskEntry[] {
    const names = [...(this.#folders.get(path)?.names ?? [])]
    return names
      .map(([name, file]) => ({ name, bytes: file.contents.length, modifiedMs: file.modifiedMs }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #open(path: string, how: 'new' | 'update' | 'read'): SimulatedFile {
    const found = this.file(path)
    if (found !== undefined && how === 'new') throw systemError('EEXIST')
    if (found !== undefined) return found
    if (how === 'read') throw systemError('ENOENT')
    const file = new SimulatedFile()
    this.#rename(path, file)
    return file
  }

  #handle(file: SimulatedFile, path: string, step: () => Promise<void>): DiskFile {
    let open = true
    /** What goes with a failure happens in the same moment: a crash comes before both or after. */
    const use = async (operation: Operation, failing = () => {}) => {
      await step()
      if (!open) throw systemError('EBADF')
      this.#fail(operation, failing)
    }
    return {
      write: async (bytes, at) => {
        // A write that fails may have got half of its way.
        await use('write', () => file.write(bytes.slice(0, bytes.length >> 1), at))
        const room = Math.max(0, this.capacity - this.bytes + Math.max(0, file.contents.length - at))
        const half = Math.min(room, bytes.length >> 1)
        file.write(bytes.slice(0, half), at)
        await step()
        file.write(bytes.slice(half, room), at + half)
        if (room < bytes.length) throw systemError('ENOSPC')
      },
      read: async (into, at) => {
        await use('read')
        const [from, to] = this.badBytes.get(path) ?? [0, 0]
        if (at < to && at + into.length > from) throw systemError('EIO')
        const found = file.contents.subarray(at, at + into.length)
        into.set(found)
        return found.length
      },
      truncate: async (length) => {
        await use('truncate')
        file.truncate(length)
      },
      sync: async () => {
        await use('sync', () => file.forget())
        const finish = file.beginSync()
        await step()
        finish()
      },
      close: async () => {
        await step()
        open = false
      },
    }
  }

  #rename(path: string, file: SimulatedFile | undefined): void {
    const folder = this.#folder(dirname(path))
    const name = basename(path)
    if (folder.names.get(name) === file) return
    setName(folder.names, name, file)
    folder.pending.push({ name, file })
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path) ?? { names: new Map(), synced: new Map(), pending: [] }
    this.#folders.set(path, folder)
    return folder
  }

  #fail(operation: Operation, failing = () => {}): void {
    const failure = this.failures.get(operation)
    if (failure === undefined || failure.times === 0) return
    failure.times--
    this.#failed++
    failing()
    throw systemError(failure.code)
  }
}

function setName(names: Map<string, SimulatedFile>, name: string, file: SimulatedFile | undefined): void {
  if (file === undefined) names.delete(name)
  else names.set(name, file)
}
