/**
 * The payload of an `L` frame: 23 fields in logfebe-1, 38 in logfebe-2, without tags or padding. A version may append
 * further fields; they are ignored, and counted.
 *
 *     string    CString    bytes, NUL
 *     nullable  *CString   'N' NUL, or 'P' bytes NUL
 *     int32     Int32      network order
 *     int64     Int64      network order
 */

/** How a field lies on the wire. */
export type FieldKind = 'string' | 'nullable' | 'int32' | 'int64'

/** Every field in wire order: its name in the protocol's documentation and its kind. */
export const FIELDS = [
  ['LogTime', 'string'],
  ['UserName', 'nullable'],
  ['DatabaseName', 'nullable'],
  ['Pid', 'int32'],
  ['ClientAddr', 'nullable'],
  ['SessionId', 'string'],
  ['SeqNum', 'int64'],
  ['PsDisplay', 'nullable'],
  ['SessionStart', 'string'],
  ['Vxid', 'nullable'],
  ['Txid', 'int64'],
  ['ELevel', 'int32'],
  ['SQLState', 'nullable'],
  ['ErrMessage', 'nullable'],
  ['ErrDetail', 'nullable'],
  ['ErrHint', 'nullable'],
  ['InternalQuery', 'nullable'],
  ['InternalQueryPos', 'int32'],
  ['ErrContext', 'nullable'],
  ['UserQuery', 'nullable'],
  ['UserQueryPos', 'int32'],
  ['FileErrPos', 'nullable'],
  ['ApplicationName', 'nullable'],
  ['TimeMicros', 'int64'],
  ['SessionStartMicros', 'int64'],
  ['BackendType', 'nullable'],
  ['LeaderPid', 'int32'],
  ['QueryId', 'int64'],
  ['MessageId', 'nullable'],
  ['SchemaName', 'nullable'],
  ['TableName', 'nullable'],
  ['ColumnName', 'nullable'],
  ['DataTypeName', 'nullable'],
  ['ConstraintName', 'nullable'],
  ['Backtrace', 'nullable'],
  ['Encoding', 'string'],
  ['Flags', 'int32'],
  ['OriginalBytes', 'int64'],
] as const satisfies readonly (readonly [string, FieldKind])[]

/** A field's name in the protocol's documentation. */
export type FieldName = (typeof FIELDS)[number][0]

/** Index of each field in FIELDS. */
export const Field = Object.fromEntries(FIELDS.map(([name], index) => [name, index])) as Readonly<
  Record<FieldName, number>
>

/** Fields of an `L` frame by protocol. */
export const FIELD_COUNT = { 1: 23, 2: 38 } as const

/** Fields up to and with ELevel: what a filter on severity needs. */
export const HEAD_FIELDS = Field.ELevel + 1

const KIND_STRING = 0
const KIND_NULLABLE = 1
const KIND_INT32 = 2
const KIND_INT64 = 3
const KINDS = Uint8Array.from(FIELDS, ([, kind]) => ['string', 'nullable', 'int32', 'int64'].indexOf(kind))

const PRESENT = 0x50 // P
const NULL_MARK = 0x4e // N

const nulFrom = (bytes: Uint8Array, words: DataView, from: number, end: number): number => {
  // Four bytes at a time; the test is the usual one for "a byte of this word is zero", whose lowest bit tells which.
  for (const last = end - 4; from <= last; from += 4) {
    const word = words.getInt32(from, true)
    const zeros = (word - 0x01010101) & ~word & 0x80808080
    if (zeros !== 0) return from + ((31 - Math.clz32(zeros & -zeros)) >> 3)
  }
  for (; from < end; from++) if (bytes[from] === 0) return from
  return -1
}

/**
 * Finds where fields `first` to `last - 1` lie, beginning at `at`.
 *
 * `words` views the same bytes. `spans[2i]` and `spans[2i + 1]` become the first byte of field i and the byte after its last; an absent nullable
 * field has -1 in both. The spans of strings leave out their NUL.
 *
 * @returns the offset after the last field, or -1 when a field does not end inside `bytes[..end)` or a nullable field
 *   begins with neither `N` nor `P`.
 */
export function walkFields(
  bytes: Uint8Array,
  words: DataView,
  at: number,
  end: number,
  spans: Int32Array,
  first: number,
  last: number,
): number {
  for (let field = first; field < last; field++) {
    const kind = KINDS[field]!
    let start = at
    if (kind >= KIND_INT32) {
      at += kind === KIND_INT64 ? 8 : 4
      if (at > end) return -1
      spans[2 * field] = start
      spans[2 * field + 1] = at
      continue
    }
    if (kind === KIND_NULLABLE) {
      if (at >= end) return -1
      const mark = bytes[at]!
      if (mark === NULL_MARK) {
        if (at + 1 >= end || bytes[at + 1] !== 0) return -1
        at += 2
        spans[2 * field] = -1
        spans[2 * field + 1] = -1
        continue
      }
      if (mark !== PRESENT) return -1
      start = at + 1
    }
    const nul = nulFrom(bytes, words, start, end)
    if (nul < 0) return -1
    spans[2 * field] = start
    spans[2 * field + 1] = nul
    at = nul + 1
  }
  return at
}

/** Reads an int32 in network order. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** Reads an int64 in network order, every digit of it. */
export function readInt64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(readInt32(bytes, at)) << 32n) | BigInt(readInt32(bytes, at + 4) >>> 0)
}

export { KIND_INT32, KIND_INT64, KIND_NULLABLE, KIND_STRING, KINDS }
