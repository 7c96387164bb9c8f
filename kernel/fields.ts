import { SPANS } from './layout'

/** Where the fields of the record lie, and the numbers among them. */

/** What lies between an offset in the record's own bytes and the same byte here. */
let moved: u32 = 0

export function setMoved(by: u32): void {
  moved = by
}

/** Whether a field is there at all. */
export function has(field: u32): bool {
  return load<i32>(SPANS + (field << 3)) >= 0
}

/** First byte of a field that is there. */
export function startOf(field: u32): u32 {
  return load<u32>(SPANS + (field << 3)) + moved
}

/** The byte after its last. */
export function endOf(field: u32): u32 {
  return load<u32>(SPANS + (field << 3), 4) + moved
}

/** The int32 at `at`, in network order. */
export function int32At(at: u32): i32 {
  return <i32>bswap<u32>(load<u32>(at))
}

/** The int64 at `at`, in network order. */
export function int64At(at: u32): i64 {
  return <i64>bswap<u64>(load<u64>(at))
}
