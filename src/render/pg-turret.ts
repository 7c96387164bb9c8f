import { Field } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import { fileEndIn, fileStartIn } from '../record/compound.ts'
import { writeNumber } from '../record/digits.ts'
import { MAX_JSON_GROWTH, writeJsonText } from '../record/json-text.ts'
import { positiveMicros } from '../record/log-time.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import { IsoTime } from './elasticsearch/iso-time.ts'
import type { Encoder } from './encoder.ts'

/**
 * Records as the extension pg_turret sends them: 13 keys, all of them in every record, for endpoints that were made for it. What it cut off or
 * left out (everything over 256 bytes, database, user, levels of PostgreSQL 14 and later) is whole here.
 */

const BEGIN = pieceOf('{"timestamp":"')
const NULL = pieceOf('null')
const END = pieceOf('}\n')
const QUOTE = 0x22
/** Keys, numbers, a time, and what pieces overshoot. */
const FIXED_ROOM = 512

const key = (name: string): Piece => pieceOf(`,"${name}":`)
const KEY = {
  detail: key('detail'),
  hint: key('hint'),
  context: key('context'),
  sqlerrcode: key('sqlerrcode'),
  filename: key('filename'),
  lineno: key('lineno'),
  funcname: key('funcname'),
  database: key('database'),
  user: key('user'),
  query: key('query'),
} as const

/** It tells no debug levels apart. By rank, with what stands around it. */
const LEVELS = SEVERITIES.map((name) => pieceOf(`","level":"${name.replace(/\d$/, '')}","message":`))

/** Bytes of a packed SQLSTATE: six bits for each of its five characters, as PostgreSQL keeps it. */
function packedState(record: RecordView): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.SQLState]!
  if (start < 0 || spans[2 * Field.SQLState + 1]! - start !== 5) return 0
  let packed = 0
  for (let i = 4; i >= 0; i--) packed = (packed << 6) | ((bytes[start + i]! - 0x30) & 0x3f)
  return packed
}

/** Writes records as pg_turret does, an object a line. */
export class PgTurretEncoder implements Encoder {
  readonly #time = new IsoTime()
  readonly #now: () => number

  /** @param now microseconds since 1970, for records whose time cannot be told */
  constructor(now: () => number) {
    this.#now = now
  }

  room(record: RecordView): number {
    return MAX_JSON_GROWTH * (record.end - record.start) + FIXED_ROOM
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    at = this.#time.write(positiveMicros(record) ?? this.#now(), out, writePiece(out, at, BEGIN))
    at = writePiece(out, at, LEVELS[record.severityRank()]!)
    const { spans } = record
    // Never null there.
    if (spans[2 * Field.ErrMessage]! < 0) at = quoted(out, at, record, 0, 0)
    else at = fieldOf(out, at, record, Field.ErrMessage)
    at = fieldOf(out, writePiece(out, at, KEY.detail), record, Field.ErrDetail)
    at = fieldOf(out, writePiece(out, at, KEY.hint), record, Field.ErrHint)
    at = fieldOf(out, writePiece(out, at, KEY.context), record, Field.ErrContext)
    at = writeNumber(out.bytes, writePiece(out, at, KEY.sqlerrcode), packedState(record))
    at = placeOf(out, at, record)
    at = fieldOf(out, writePiece(out, at, KEY.database), record, Field.DatabaseName)
    at = fieldOf(out, writePiece(out, at, KEY.user), record, Field.UserName)
    at = fieldOf(out, writePiece(out, at, KEY.query), record, Field.UserQuery)
    return writePiece(out, at, END)
  }
}

/** A text field in quotes, or null. */
function fieldOf(out: Room, at: number, record: RecordView, field: number): number {
  const start = record.spans[2 * field]!
  return start < 0 ? writePiece(out, at, NULL) : quoted(out, at, record, start, record.spans[2 * field + 1]!)
}

function quoted(out: Room, at: number, record: RecordView, start: number, end: number): number {
  out.bytes[at] = QUOTE
  at = writeJsonText(out, at + 1, record, start, end)
  out.bytes[at] = QUOTE
  return at + 1
}

/** `filename`, `lineno` (0 where it is not told) and `funcname`. */
function placeOf(out: Room, at: number, record: RecordView): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.FileErrPos]!
  const end = spans[2 * Field.FileErrPos + 1]!
  const fileEnd = start < 0 ? start : fileEndIn(bytes, start, end)
  const fileStart = start < 0 ? start : fileStartIn(bytes, start, fileEnd)
  at = writePiece(out, at, KEY.filename)
  at = start < 0 ? writePiece(out, at, NULL) : quoted(out, at, record, fileStart, fileEnd)
  let line = 0
  for (let i = fileEnd + 1; i < end; i++) line = 10 * line + bytes[i]! - 0x30
  at = writeNumber(out.bytes, writePiece(out, at, KEY.lineno), line)
  at = writePiece(out, at, KEY.funcname)
  return fileStart > start + 2 ? quoted(out, at, record, start, fileStart - 2) : writePiece(out, at, NULL)
}
