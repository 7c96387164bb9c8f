import type { Random } from './random.ts'

/** An input being made: `bytes[..length)`. */
export interface Draft {
  readonly bytes: Uint8Array
  length: number
}

const BYTES = [
  0x00, 0x01, 0x1f, 0x22, 0x2e, 0x30, 0x39, 0x3a, 0x4c, 0x4e, 0x50, 0x5c, 0x7f, 0x80, 0xc3, 0xe2, 0xf0, 0xff,
]
const LENGTHS = [
  0,
  1,
  3,
  4,
  5,
  6,
  24,
  255,
  65535,
  2 ** 20,
  2 ** 26,
  2 ** 26 + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
]

type Mutation = (draft: Draft, random: Random, other: Uint8Array) => void

const flip: Mutation = (draft, random) => {
  draft.bytes[random.below(draft.length)]! ^= 1 << random.below(8)
}

const set: Mutation = (draft, random) => {
  draft.bytes[random.below(draft.length)] = random.pick(BYTES)
}

const truncate: Mutation = (draft, random) => {
  draft.length = random.below(draft.length)
}

const remove: Mutation = (draft, random) => {
  const at = random.below(draft.length)
  const count = Math.min(1 + random.below(16), draft.length - at)
  draft.bytes.copyWithin(at, at + count, draft.length)
  draft.length -= count
}

/** Makes room for `count` bytes at `at`, as far as the draft may grow. */
function open(draft: Draft, at: number, count: number): number {
  const fits = Math.min(count, draft.bytes.length - draft.length)
  draft.bytes.copyWithin(at + fits, at, draft.length)
  draft.length += fits
  return fits
}

const insert: Mutation = (draft, random) => {
  const at = random.below(draft.length + 1)
  const count = open(draft, at, 1 + random.below(12))
  for (let i = 0; i < count; i++) draft.bytes[at + i] = random.uint32()
}

const repeat: Mutation = (draft, random) => {
  const from = random.below(draft.length)
  const count = Math.min(1 + random.below(32), draft.length - from)
  const at = random.below(from + 1)
  const fits = open(draft, at, count)
  draft.bytes.copyWithin(at, from + fits, from + 2 * fits)
}

/** Writes a part of another input over this one. */
const splice: Mutation = (draft, random, other) => {
  const from = random.below(other.length)
  const at = random.below(draft.length)
  const count = Math.min(1 + random.below(64), other.length - from, draft.length - at)
  draft.bytes.set(other.subarray(from, from + count), at)
}

/** Puts a length, or an integer, where one may stand: behind a byte that can be a frame's type if there is one near. */
const length: Mutation = (draft, random) => {
  let at = random.below(draft.length)
  for (let i = 0; i < 64 && at + i + 4 < draft.length; i++) {
    if (draft.bytes[at + i + 1] !== 0 || draft.bytes[at + i + 2] !== 0) continue
    at += i + 1
    break
  }
  if (at + 4 > draft.length) return
  const value = random.pick(LENGTHS)
  for (let i = 0; i < 4; i++) draft.bytes[at + i] = value >>> (24 - 8 * i)
}

const noise: Mutation = (draft, random) => {
  draft.length = 1 + random.below(64)
  for (let i = 0; i < draft.length; i++) draft.bytes[i] = random.uint32()
}

// Small changes are the ones that get far: they are listed more often.
const MUTATIONS = [
  flip,
  flip,
  flip,
  set,
  set,
  set,
  truncate,
  remove,
  insert,
  repeat,
  splice,
  length,
  length,
  noise,
]

/** Changes a draft one to four times; `other` is a valid input to take parts of. */
export function mutate(draft: Draft, random: Random, other: Uint8Array): void {
  for (let left = 1 + random.below(4); left > 0 && draft.length > 0; left--) {
    random.pick(MUTATIONS)(draft, random, other)
  }
}
