import { type Disk, type DiskFile, systemDisk } from '../../src/journal/disk.ts'

/**
 * The real file system, for a process that is killed at one of its writes: after so many of them nothing happens any more,
 * and no call comes back. The one that kills may be half done.
 */
export class DyingDisk implements Disk {
  dead = false
  readonly #half: boolean
  #lives: number

  /** @param half whether the last write reaches the disk by half */
  constructor(lives: number, half: boolean) {
    this.#lives = lives
    this.#half = half
  }

  makeFolder = (path: string) => this.#change(() => systemDisk.makeFolder(path))
  remove = (path: string) => this.#change(() => systemDisk.remove(path))
  rename = (from: string, to: string) => this.#change(() => systemDisk.rename(from, to))
  syncFolder = (path: string) => this.#change(() => systemDisk.syncFolder(path))
  list: Disk['list'] = (folder) => this.#look(() => systemDisk.list(folder))
  space: Disk['space'] = (folder) => this.#look(() => systemDisk.space(folder))

  async open(path: string, how: 'new' | 'update' | 'read'): Promise<DiskFile> {
    const file = await (how === 'read'
      ? this.#look(() => systemDisk.open(path, how))
      : this.#change(() => systemDisk.open(path, how)))
    return {
      ...file,
      write: (bytes, at) =>
        this.#change(
          () => file.write(bytes, at),
          () => file.write(bytes.subarray(0, bytes.length >> 1), at),
        ),
      truncate: (length) => this.#change(() => file.truncate(length)),
      sync: () => this.#change(() => file.sync()),
    }
  }

  async #change<T>(act: () => Promise<T>, halfAct?: () => Promise<void>): Promise<T> {
    if (this.dead) return new Promise(() => undefined)
    if (this.#lives-- > 0) return act()
    this.dead = true
    if (this.#half) await halfAct?.()
    return new Promise(() => undefined)
  }

  async #look<T>(act: () => Promise<T>): Promise<T> {
    return this.dead ? new Promise(() => undefined) : act()
  }
}
