import { FIELD_COUNT, FIELDS, readInt32, readInt64 } from '../codec/fields.ts'
import { PayloadWriter } from '../codec/payload.ts'
import { RecordView } from './view.ts'

/** Ends a text of which the rest was left out. */
export const CUT_MARK = '…[truncated]'

/**
 * A copy of a record whose text is UTF-8, made from one whose frame names another encoding. The record must have been
 * walked. Only databases in such encodings pay for it.
 */
export const recodeToUtf8 = (record: RecordView): RecordView => withTexts(record, (text) => text)

/**
 * A copy of a record, in UTF-8, in which no text is longer than so many bytes: the rest is left out, and a mark says so.
 * The record must have been walked. For destinations that would cut it themselves, or refuse it.
 */
export const cutTexts = (record: RecordView, mostBytes: number): RecordView =>
  withTexts(record, (text) => cutText(text, mostBytes))

/** A text of at most so many bytes of UTF-8, its mark included. */
export function cutText(text: string, mostBytes: number): string {
  // A unit of UTF-16 is at most three bytes.
  if (text.length * 3 <= mostBytes) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= mostBytes) return text
  let end = Math.max(0, mostBytes - Buffer.byteLength(CUT_MARK))
  // Not in the middle of a character.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end) + CUT_MARK
}

function withTexts(record: RecordView, change: (text: string) => string): RecordView {
  const decode = record.decoder()
  const payload = new PayloadWriter()
  for (let field = 0; field < FIELD_COUNT[record.source.version.protocol]; field++) {
    const [name, kind] = FIELDS[field]!
    const start = record.spans[2 * field]!
    if (kind === 'int32' || kind === 'int64') {
      if (kind === 'int32') payload.int32(readInt32(record.bytes, start))
      else payload.int64(readInt64(record.bytes, start))
      continue
    }
    const raw = record.raw(field)
    const text = raw === null ? null : name === 'Encoding' ? 'UTF8' : change(decode(raw))
    if (kind === 'nullable') payload.nullable(text)
    else payload.string(text ?? '')
  }
  const copy = new RecordView()
  const bytes = payload.finish()
  copy.source = record.source
  copy.sequenceBase = record.sequenceBase
  copy.sequenceOffset = record.sequenceOffset
  copy.reset(bytes, 0, bytes.length)
  copy.walk()
  return copy
}
