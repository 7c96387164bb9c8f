import { FIELD_COUNT, Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'

/**
 * Text that is looked for in records, compared as bytes where a record's text is UTF-8: no string is made of a field that
 * is only looked at.
 */

/** How a text is looked for. */
export type Look = 'equals' | 'startsWith' | 'endsWith' | 'contains'

/** A test for records. */
export interface Test {
  readonly test: (record: RecordView) => boolean
  /** Whether the whole record must have been walked, not its head alone. */
  readonly deep: boolean
}

type Compare = (bytes: Uint8Array, start: number, end: number) => boolean

/** What bytes that are not valid are shown as: a field that holds it may hold anything in its place. */
const REPLACEMENT = '\ufffd'

const isAscii = (text: string): boolean => /^[ -~\t\r\n]*$/.test(text)

/**
 * A test for records in which a text field is like `text`; one that does not have the field is not.
 *
 * @param field a field that is a text
 */
export function lookFor(look: Look, text: string, field: number): Test {
  const compare = comparisonOf(look, new TextEncoder().encode(text))
  const accepts = asString(look, text)
  const inString = (record: RecordView): boolean => accepts(record.text(field)!)
  const isLate = field >= FIELD_COUNT[1]
  // A field cannot hold a NUL, and what holds U+FFFD may have been decoded from anything.
  const comparable = text.isWellFormed() && !text.includes(REPLACEMENT)
  if (!comparable) return { deep: true, test: (record) => record.has(field) && inString(record) }
  // ASCII is ASCII in every encoding, from the first byte on; the encoding itself stands behind the head.
  if (field < Field.ELevel && isAscii(text) && (look === 'equals' || look === 'startsWith')) {
    return {
      deep: false,
      test: ({ bytes, spans }) =>
        spans[2 * field]! >= 0 && compare(bytes, spans[2 * field]!, spans[2 * field + 1]!),
    }
  }
  return {
    deep: true,
    test: (record) => {
      const start = record.spans[2 * field]!
      if (start < 0 || (isLate && !record.has(field))) return false
      return record.isUtf8() ? compare(record.bytes, start, record.spans[2 * field + 1]!) : inString(record)
    },
  }
}

/** The same on a string. */
export function asString(look: Look, text: string): (value: string) => boolean {
  if (look === 'equals') return (value) => value === text
  if (look === 'startsWith') return (value) => value.startsWith(text)
  return look === 'endsWith' ? (value) => value.endsWith(text) : (value) => value.includes(text)
}

function comparisonOf(look: Look, needle: Uint8Array): Compare {
  const { length } = needle
  if (look === 'contains') return searchFor(needle)
  if (look === 'equals') return (bytes, start, end) => end - start === length && isAt(needle, bytes, start)
  if (look === 'startsWith') return (bytes, start, end) => end - start >= length && isAt(needle, bytes, start)
  return (bytes, start, end) => end - start >= length && isAt(needle, bytes, end - length)
}

function isAt(needle: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < needle.length; i++) if (bytes[at + i] !== needle[i]) return false
  return true
}

/** Boyer, Moore and Horspool's search: the byte under the needle's end says how far it can be moved. */
export function searchFor(needle: Uint8Array): Compare {
  const last = needle.length - 1
  if (last < 0) return () => true
  const moves = new Int32Array(256).fill(needle.length)
  for (let i = 0; i < last; i++) moves[needle[i]!] = last - i
  const tail = needle[last]!
  return (bytes, start, end) => {
    for (let at = start + last; at < end; at += moves[bytes[at]!]!)
      if (bytes[at] === tail && isAt(needle, bytes, at - last)) return true
    return false
  }
}
