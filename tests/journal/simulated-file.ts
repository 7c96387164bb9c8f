/** A change of a file that has not reached the disk. */
type Change =
  | { readonly at: number; readonly bytes: Uint8Array }
  | { readonly length: number; readonly at?: undefined }

/** A file of a simulated disk: as processes see it, and as it stands on the disk. */
export class SimulatedFile {
  contents = new Uint8Array(0)
  modifiedMs = 0
  #synced = new Uint8Array(0)
  #pending: Change[] = []
  /** What a sync that failed left behind. */
  #forgotten: Change[] = []

  write(bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) return
    this.contents = apply(this.contents, { at, bytes })
    this.#pending.push({ at, bytes })
  }

  truncate(length: number): void {
    this.contents = apply(this.contents, { length })
    this.#pending.push({ length })
  }

  /** Begins to bring all that was changed so far to the disk; it is there when the returned function was called. */
  beginSync(): () => void {
    const changes = this.#pending.length
    return () => {
      for (const change of this.#pending.splice(0, changes)) this.#synced = apply(this.#synced, change)
    }
  }

  /** A sync failed: the system takes for clean what never got to the disk, until it is written again. */
  forget(): void {
    this.#forgotten.push(...this.#pending.splice(0))
  }

  /** Nobody promised that another process knows what a sync of this one could not do. */
  remember(): void {
    this.#pending.unshift(...this.#forgotten.splice(0))
  }

  /** The power fails: each change was lost, half done or done. */
  cutPower(chance: () => number): void {
    for (const change of this.#pending) {
      const lot = chance()
      if (lot < 0.4) continue
      const torn = lot < 0.6 && change.at !== undefined
      this.#synced = apply(this.#synced, torn ? halfOf(change, chance) : change)
    }
    this.#pending = []
    this.#forgotten = []
    this.contents = this.#synced
  }

  /** Changes what is there and on the disk, as damage does. */
  replace(contents: Uint8Array): void {
    this.contents = contents.slice()
    this.#synced = contents.slice()
    this.#pending = []
    this.#forgotten = []
  }

  /** Flips a bit, here and on the disk. */
  flip(at: number, bit: number): void {
    for (const bytes of new Set([this.contents, this.#synced])) if (at < bytes.length) bytes[at]! ^= 1 << bit
    for (const change of [...this.#pending, ...this.#forgotten]) {
      if (change.at === undefined) continue
      const inside = at - change.at
      if (inside >= 0 && inside < change.bytes.length) change.bytes[inside]! ^= 1 << bit
    }
  }

  /** Bytes that are the same here and on the disk, from the start. */
  get syncedBytes(): number {
    const same = this.contents.findIndex((byte, i) => byte !== this.#synced[i])
    return same < 0 ? this.contents.length : same
  }
}

function halfOf(change: { at: number; bytes: Uint8Array }, chance: () => number): Change {
  const cut = Math.floor(chance() * change.bytes.length)
  return chance() < 0.5
    ? { at: change.at, bytes: change.bytes.subarray(0, cut) }
    : { at: change.at + cut, bytes: change.bytes.subarray(cut) }
}

/** Always a buffer of its own. */
function apply(before: Uint8Array, change: Change): Uint8Array<ArrayBuffer> {
  if (change.at === undefined) {
    const cut = new Uint8Array(change.length)
    cut.set(before.subarray(0, change.length))
    return cut
  }
  const after = new Uint8Array(Math.max(before.length, change.at + change.bytes.length))
  after.set(before)
  after.set(change.bytes, change.at)
  return after
}
