import { FIELDS, KIND_INT32, KIND_INT64, KIND_NULLABLE, KINDS, SPANS } from './layout'

/** Finds the fields of a record. The same rules as `walkFields` of src/codec/fields.ts, for logfebe-2. */

const PRESENT: u8 = 0x50
const ABSENT: u16 = 0x004e

/**
 * Notes where each field of the payload lies.
 *
 * @returns the offset after the last field; 0 where a field does not end before `end`, or is marked by a strange byte
 */
export function walk(at: u32, end: u32): u32 {
  for (let field: i32 = 0; field < FIELDS; field++) {
    const kind: i32 = load<u8>(KINDS + field)
    const span = SPANS + (field << 3)
    if (kind >= KIND_INT32) {
      store<u32>(span, at)
      at += kind === KIND_INT64 ? 8 : 4
      if (at > end) return 0
      store<u32>(span, at, 4)
      continue
    }
    if (kind === KIND_NULLABLE) {
      if (at + 2 > end) return 0
      if (load<u16>(at) === ABSENT) {
        store<i64>(span, -1)
        at += 2
        continue
      }
      if (load<u8>(at) !== PRESENT) return 0
      at++
    }
    const nul = nulFrom(at, end)
    if (nul === end) return 0
    store<u32>(span, at)
    store<u32>(span, nul, 4)
    at = nul + 1
  }
  return at
}

/** Where the next NUL stands; `end` when there is none. Eight bytes at a time, by the usual test for "a byte is zero". */
function nulFrom(at: u32, end: u32): u32 {
  for (; at < end; at += 8) {
    const word = load<u64>(at)
    const zeros = (word - 0x0101010101010101) & ~word & 0x8080808080808080
    if (zeros === 0) continue
    const nul = at + (<u32>ctz(zeros) >> 3)
    return nul < end ? nul : end
  }
  return end
}
