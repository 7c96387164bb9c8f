import { FIELD_COUNT, FIELDS, KIND_INT32, KIND_INT64, KIND_STRING, KINDS } from '../codec/fields.ts'
import { writeInt32, writeInt64 } from '../record/digits.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { writeQuotedText } from './quoted-text.ts'

/**
 * The text form of pg_logfebe's own renderer: one line a record, the 23 fields of logfebe-1 in wire order, none
 * omitted.
 *
 *     CString    Name="…"
 *     *CString   Name=NULL or Name=["…"]
 *     int        Name=-1
 */

const QUOTE = 0x22
const BRACKET = 0x5d
const NEWLINE = 0x0a

const COUNT = FIELD_COUNT[1]

/** What stands in front of a value, the space behind the value before it included; by field. */
const OPENINGS: readonly Piece[] = FIELDS.slice(0, COUNT).map(([name, kind], index) => {
  const bracket = kind === 'nullable' ? '["' : kind === 'string' ? '"' : ''
  return pieceOf(`${index === 0 ? '' : ' '}${name}=${bracket}`)
})
const NULLS: readonly Piece[] = FIELDS.slice(0, COUNT).map(([name]) => pieceOf(` ${name}=NULL`))

/** Room that names, brackets and numbers can take. */
const FIXED_ROOM = 512

/** A byte becomes at most this many: one of a LATIN1 database can come out as `\u0085`. UTF-8 grows by 4 at the most. */
const MAX_GROWTH = 6

/** Writes records as pg_logfebe's renderer does, a line each. logfebe-2 records show the same fields. */
export class PrototextEncoder implements Encoder {
  room(record: RecordView): number {
    return MAX_GROWTH * (record.end - record.start) + FIXED_ROOM
  }

  encode(record: RecordView, out: Room, at: number): number {
    const source = record.isUtf8() ? record : recodeToUtf8(record)
    for (let field = 0; field < COUNT; field++) at = writeField(source, field, out, at)
    out.bytes[at] = NEWLINE
    return at + 1
  }
}

function writeField(record: RecordView, field: number, out: Room, at: number): number {
  const start = record.spans[2 * field]!
  if (start < 0) return writePiece(out, at, NULLS[field]!)
  const kind = KINDS[field]!
  at = writePiece(out, at, OPENINGS[field]!)
  if (kind === KIND_INT32) return writeInt32(out.bytes, at, record.bytes, start)
  if (kind === KIND_INT64) return writeInt64(out.bytes, at, record.bytes, start)
  at = writeQuotedText(out, at, record, start, record.spans[2 * field + 1]!)
  out.bytes[at] = QUOTE
  if (kind === KIND_STRING) return at + 1
  out.bytes[at + 1] = BRACKET
  return at + 2
}
