import { fold, REMAINS } from './crc32c-fold.ts'

/**
 * CRC-32C (Castagnoli). Sixteen bytes a step, with a table for each of the sixteen places that a byte can have in a step; a long
 * message is made short before.
 */

const POLYNOMIAL = 0x82f63b78
/** Bytes that are worked in at a time; as many tables. */
const STEP = 16
/** From here on it pays to make a message shorter. */
const LONG = 3 * REMAINS

const TABLES = makeTables()
// Each by a name of its own: an array of tables would be looked up for every byte.
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES
const [, , , , , , , , T8, T9, T10, T11, T12, T13, T14, T15] = TABLES

function makeTables() {
  const tables = Array.from({ length: STEP }, () => new Int32Array(256))
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[0]![byte] = crc
  }
  for (let k = 1; k < STEP; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[k - 1]![byte]!
      tables[k]![byte] = (before >>> 8) ^ tables[0]![before & 0xff]!
    }
  }
  return tables as unknown as SixteenTables
}

type Table = Int32Array
type SixteenTables = readonly [
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
  Table,
]

/** CRC-32C of `bytes[start..end)`, from 0 to 2³² − 1. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (end - start < LONG) return ~advance(-1, bytes, start, end) >>> 0
  const words = end - ((end - start) & 7)
  const remains = fold(bytes, start, words)
  return ~advance(advance(0, remains, 0, remains.length), bytes, words, end) >>> 0
}

/** The register after some more bytes. */
function advance(register: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = register
  let at = start
  // Words can be read in one go only where they are aligned.
  const misaligned = (bytes.byteOffset + at) & 3
  const head = misaligned === 0 ? at : Math.min(end, at + 4 - misaligned)
  for (; at < head; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!
  const words = new Int32Array(bytes.buffer, at < end ? bytes.byteOffset + at : 0, (end - at) >> 2)
  const whole = words.length & ~3
  for (let i = 0; i < whole; i += 4) crc = step(crc, words[i]!, words[i + 1]!, words[i + 2]!, words[i + 3]!)
  for (at += 4 * whole; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!
  return crc
}

/** Works in four words. */
function step(crc: number, first: number, b: number, c: number, d: number): number {
  const a = first ^ crc
  return (
    T15[a & 0xff]! ^
    T14[(a >>> 8) & 0xff]! ^
    T13[(a >>> 16) & 0xff]! ^
    T12[a >>> 24]! ^
    T11[b & 0xff]! ^
    T10[(b >>> 8) & 0xff]! ^
    T9[(b >>> 16) & 0xff]! ^
    T8[b >>> 24]! ^
    T7[c & 0xff]! ^
    T6[(c >>> 8) & 0xff]! ^
    T5[(c >>> 16) & 0xff]! ^
    T4[c >>> 24]! ^
    T3[d & 0xff]! ^
    T2[(d >>> 8) & 0xff]! ^
    T1[(d >>> 16) & 0xff]! ^
    T0[d >>> 24]!
  )
}
