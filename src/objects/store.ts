import { BlockedError } from '../errors.ts'
import type { Bucket } from './bucket.ts'
import { contentsOf, contentsRoom, marksOf, packed, unpacked, writeContents } from './contents.ts'
import type { Group } from './group.ts'
import { folderOf, type Named, nameOf, type ObjectFormat, readKey } from './name.ts'

/** How objects are named and written. */
export interface StoreOptions {
  readonly bucket: Bucket
  /** Without a slash at its ends; may be empty. */
  readonly prefix: string
  readonly host: string
  readonly format: ObjectFormat
}

/** Folders whose objects are known; of one that was forgotten they are listed again. */
const MOST_FOLDERS = 64

/**
 * Stores groups of records as objects, each record once: also when an earlier process has stored some of them and was
 * killed before anybody could note that, and batches are cut elsewhere now.
 *
 * An object is named for its first record, and never written over: where its name is taken, the object is read, and what it
 * does not hold is stored behind it. Where another object may hold the first record in its middle is found by listing the
 * folder, once for each folder in the life of the process.
 */
export class ObjectStore {
  readonly #options: StoreOptions
  /** By folder and ring: objects that may hold what is going to come. */
  readonly #earlier = new Map<string, Promise<Named[]>>()
  /** What the object that was read last holds. */
  #read: { readonly key: string; readonly marks: ReadonlySet<bigint> } | undefined

  /** Nobody writes into it at the moment. */
  #spare: Buffer | undefined

  constructor(options: StoreOptions) {
    this.#options = options
  }

  /** Resolves when every record of the group is in an object. */
  async put(group: Group, signal: AbortSignal): Promise<void> {
    const { bucket, host, format, prefix } = this.#options
    const folder = folderOf(prefix, group)
    const earlier = await this.#earlierIn(folder, group, signal)
    let members = await this.#notIn(earlier, group, group.members, signal)
    while (members.length > 0) {
      const first = members[0]!
      const key = folder + nameOf(group, first, host, format)
      const bytes = await this.#packed(group, members)
      if ((await bucket.putNew(key, bytes, typeOf(format), signal)) === 'stored') return
      earlier.push({ key, format, order: group.envelopes.order(first) })
      members = await this.#notIn(earlier, group, members, signal)
      if (members[0] === first)
        throw new BlockedError(
          `the object ${key} is there, but does not hold the record that it is named for: move it away`,
        )
    }
  }

  /** Written and compressed; the memory for it is used again, as it would otherwise be let go of by the batch. */
  async #packed(group: Group, members: readonly number[]): Promise<Uint8Array> {
    const { format } = this.#options
    const isPlain = !/\.(?:gz|zst)$/.test(format)
    if (isPlain) return contentsOf(group, members, format)
    const room = contentsRoom(group, members)
    const spare = this.#spare
    const out = spare !== undefined && spare.length >= room ? spare : Buffer.allocUnsafeSlow(room)
    this.#spare = undefined
    try {
      return await packed(writeContents(group, members, format, out), format)
    } finally {
      this.#spare = out
    }
  }

  #earlierIn(folder: string, group: Group, signal: AbortSignal): Promise<Named[]> {
    const name = `${folder}\0${group.source.uidPrefix}`
    const known = this.#earlier.get(name) ?? this.#list(folder, group, signal)
    // The one that was used last stands last.
    this.#earlier.delete(name)
    this.#earlier.set(name, known)
    known.catch(() => this.#earlier.delete(name))
    if (this.#earlier.size > MOST_FOLDERS) this.#earlier.delete(this.#earlier.keys().next().value!)
    return known
  }

  async #list(folder: string, group: Group, signal: AbortSignal): Promise<Named[]> {
    const keys = await this.#options.bucket.list(folder, signal)
    const first = least(group)
    const named = keys.map((key) => readKey(key, group)).filter((one) => one !== undefined)
    named.sort((a, b) => a.order - b.order)
    // Those before the last one that begins in front of the first record end there as well.
    const from = named.findLastIndex(({ order }) => order <= first)
    return named.slice(Math.max(0, from))
  }

  /** Leaves out records that objects of an earlier process hold; forgets objects that are behind. */
  async #notIn(
    earlier: Named[],
    group: Group,
    members: readonly number[],
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    if (earlier.length === 0) return members
    const last = most(group, members)
    const near = earlier.filter(({ order, format }) => order <= last && isAlike(format, this.#options.format))
    let left = members
    for (const object of near) {
      if (left.length === 0) break
      const held = await this.#marksIn(object, signal)
      const marks = marksOf(contentsOf(group, left, object.format), object.format)
      const before = left
      left = before.filter((_, i) => !held.has(marks[i]!))
      // What comes later is behind the last one: when that is not in the object, nothing of what comes is.
      if (before.at(-1) === left.at(-1)) earlier.splice(earlier.indexOf(object), 1)
    }
    return left
  }

  async #marksIn({ key, format }: Named, signal: AbortSignal): Promise<ReadonlySet<bigint>> {
    if (this.#read?.key === key) return this.#read.marks
    const contents = await unpacked(await this.#options.bucket.get(key, signal), format)
    const marks = new Set(marksOf(contents, format))
    this.#read = { key, marks }
    return marks
  }
}

// Times do not always ascend.
const least = ({ envelopes, members }: Group): number =>
  members.reduce((least, one) => Math.min(least, envelopes.order(one)), Number.POSITIVE_INFINITY)
const most = ({ envelopes }: Group, members: readonly number[]): number =>
  members.reduce((most, one) => Math.max(most, envelopes.order(one)), 0)

/** Whether records of both formats can be compared. */
const isAlike = (one: ObjectFormat, other: ObjectFormat): boolean => one.split('.')[0] === other.split('.')[0]

const typeOf = (format: ObjectFormat): string =>
  format.startsWith('ndjson') ? 'application/x-ndjson' : 'application/octet-stream'
