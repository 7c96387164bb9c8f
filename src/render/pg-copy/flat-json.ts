import type { Room } from '../../record/room.ts'

/** The canonical JSON of a record, gone through in place: one object whose values are texts, numbers and `true`. */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const CLOSING = 0x7d

/** The keys that are looked for, in the order in which they are written. */
export class FlatKeys {
  readonly #keys: readonly Uint8Array[]
  /**
   * Where each value lies, by pairs: its first byte and the one behind the last, without the quotes of a text. -1: absent.
   */
  readonly values: Int32Array
  /** Where each pair begins, with the comma or the brace in front of it, and ends. -1: absent, or forgotten. */
  readonly pairs: Int32Array

  constructor(names: readonly string[]) {
    this.#keys = names.map((name) => Buffer.from(`"${name}":`))
    this.values = new Int32Array(2 * names.length)
    this.pairs = new Int32Array(2 * names.length)
  }

  /** Finds them in the object that stands from `start` to `end`. */
  find(room: Room, start: number, end: number): void {
    const { bytes: json } = room
    this.values.fill(-1)
    this.pairs.fill(-1)
    let next = 0
    while (start < end - 1) {
      const index = this.#indexOf(json, start + 1, next)
      const colon = index < 0 ? stringEnd(room, start + 2) + 1 : start + this.#keys[index]!.length
      const value = colon + 1
      const text = json[value] === QUOTE
      const stop = text ? stringEnd(room, value + 1) : numberEnd(json, value)
      if (index >= 0) {
        this.values[2 * index] = text ? value + 1 : value
        this.values[2 * index + 1] = stop
        this.pairs[2 * index] = start
        this.pairs[2 * index + 1] = text ? stop + 1 : stop
        next = index + 1
      }
      start = text ? stop + 1 : stop
    }
  }

  /** A pair that need not be looked at any more. */
  forget(key: number): void {
    this.pairs[2 * key] = -1
  }

  /** Which of the keys stands here; -1 for another one. */
  #indexOf(json: Uint8Array, at: number, next: number): number {
    for (let index = next; index < this.#keys.length; index++) {
      const key = this.#keys[index]!
      let i = 0
      while (i < key.length && json[at + i] === key[i]) i++
      if (i === key.length) return index
    }
    return -1
  }
}

/** Where the quote stands that ends a text; four bytes at a time while none of them is a quote or a backslash. */
function stringEnd({ bytes, words }: Room, at: number): number {
  const last = bytes.length - 4
  for (;;) {
    if (at <= last) {
      const word = words.getInt32(at, true)
      const quote = word ^ 0x22222222
      const backslash = word ^ 0x5c5c5c5c
      const found = ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash)
      if ((found & 0x80808080) === 0) {
        at += 4
        continue
      }
    }
    const byte = bytes[at]!
    if (byte === QUOTE) return at
    at += byte === BACKSLASH ? 2 : 1
  }
}

function numberEnd(json: Uint8Array, at: number): number {
  while (json[at] !== COMMA && json[at] !== CLOSING) at++
  return at
}
