import { FIELD_COUNT, FIELDS, Field, readInt32, readInt64 } from '../codec/fields.ts'
import { PayloadWriter } from '../codec/payload.ts'
import { MAX_JSON_GROWTH, sequenceLength } from './json-text.ts'
import { RecordView } from './view.ts'

/** Stands at the end of a text that was cut. */
export const TRUNCATION_MARK = '…[truncated]'

const MARK = new TextEncoder().encode(TRUNCATION_MARK)
const TRUNCATED = 1

/**
 * A copy of a record in which no text takes more than `most` bytes as JSON: one that did ends with a mark, and the record
 * says that it was truncated (where its protocol can). For destinations that refuse or cut what is larger.
 *
 * @param record has been walked; its text is UTF-8
 */
export function shorten(record: RecordView, most: number): RecordView {
  const { bytes, spans } = record
  const payload = new PayloadWriter()
  const count = FIELD_COUNT[record.source.version.protocol]
  for (let field = 0; field < count; field++) {
    const [name, kind] = FIELDS[field]!
    const start = spans[2 * field]!
    if (name === 'Flags') payload.int32(readInt32(bytes, start) | TRUNCATED)
    else if (name === 'OriginalBytes') payload.int64(originalBytes(record))
    else if (kind === 'int32') payload.int32(readInt32(bytes, start))
    else if (kind === 'int64') payload.int64(readInt64(bytes, start))
    else {
      const text = shortened(record.raw(field), most)
      if (kind === 'nullable') payload.nullable(text)
      else payload.string(text ?? '')
    }
  }
  const short = new RecordView()
  const written = payload.finish()
  short.source = record.source
  short.sequenceBase = record.sequenceBase
  short.sequenceOffset = record.sequenceOffset
  short.reset(written, 0, written.length)
  short.walk()
  return short
}

/** The length of the longest text of a record, in bytes. Call `walk` first. */
export function longestText({ spans, source }: RecordView): number {
  let longest = 0
  for (let field = 0; field < FIELD_COUNT[source.version.protocol]; field++)
    longest = Math.max(longest, spans[2 * field + 1]! - spans[2 * field]!)
  return longest
}

/** Whoever truncated it first knows how long it was. */
function originalBytes({ bytes, spans, start, end }: RecordView): bigint {
  const already = (readInt32(bytes, spans[2 * Field.Flags]!) & TRUNCATED) !== 0
  return already ? readInt64(bytes, spans[2 * Field.OriginalBytes]!) : BigInt(end - start)
}

function shortened(text: Uint8Array | null, most: number): Uint8Array | null {
  // As JSON it may be longer than it is; most texts are far from it.
  if (text === null || text.length * MAX_JSON_GROWTH <= most) return text
  let size = 0
  let cut = 0
  for (let at = 0; at < text.length; ) {
    const used = text[at]! < 0x80 ? 1 : sequenceLength(text, at, text.length)
    size += used === 1 ? sizeOf(text[at]!) : used < 0 ? 3 : used
    if (size > most) return Buffer.concat([text.subarray(0, cut), MARK])
    at += Math.abs(used)
    if (size <= most - MARK.length) cut = at
  }
  return text
}

/** Quote, backslash, and the control characters that have a letter: two bytes each. */
const SHORT_ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\\b\t\n\f\r'))

const sizeOf = (byte: number): number => (SHORT_ESCAPES.has(byte) ? 2 : byte < 0x20 ? MAX_JSON_GROWTH : 1)
