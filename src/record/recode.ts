import { FIELD_COUNT, FIELDS, readInt32, readInt64 } from '../codec/fields.ts'
import { PayloadWriter } from '../codec/payload.ts'
import { RecordView } from './view.ts'

/**
 * A copy of a record whose text is UTF-8, made from one whose frame names another encoding. The record must have been
 * walked. Only databases in such encodings pay for it.
 */
export function recodeToUtf8(record: RecordView): RecordView {
  const decode = record.decoder()
  const payload = new PayloadWriter()
  for (let field = 0; field < FIELD_COUNT[2]; field++) {
    const [name, kind] = FIELDS[field]!
    const start = record.spans[2 * field]!
    if (kind === 'int32' || kind === 'int64') {
      if (kind === 'int32') payload.int32(readInt32(record.bytes, start))
      else payload.int64(readInt64(record.bytes, start))
      continue
    }
    const raw = record.raw(field)
    const text = raw === null ? null : name === 'Encoding' ? 'UTF8' : decode(raw)
    if (kind === 'nullable') payload.nullable(text)
    else payload.string(text ?? '')
  }
  const recoded = new RecordView()
  const bytes = payload.finish()
  recoded.source = record.source
  recoded.sequenceBase = record.sequenceBase
  recoded.sequenceOffset = record.sequenceOffset
  recoded.reset(bytes, 0, bytes.length)
  recoded.walk()
  return recoded
}
