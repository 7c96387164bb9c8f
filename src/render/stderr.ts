import { Field, readInt32 } from '../codec/fields.ts'
import { writeNumber } from '../record/digits.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import { LogLinePrefix } from './log-line-prefix.ts'
import { MAX_MARKED_GROWTH, markOf, writeMarkedText } from './marked-text.ts'
import { LOG_SEVERITIES, type Verbosity } from './server-log.ts'

const COLON = 0x3a
const NEWLINE = 0x0a
const SPACE = 0x20
const NEWLINES = markOf('\n', '\t')

/** Lines with a prefix that a record can have. */
const MOST_LINES = 8
/** Room for labels and positions. */
const FIXED_ROOM = 512

const SEVERITY_LABELS = LOG_SEVERITIES.map((name) => pieceOf(`${name}:  `))
const MISSING = pieceOf('missing error text')
const AT_CHARACTER = pieceOf(' at character ')

type Line = readonly [label: Piece, field: number]
const line = (label: string, field: number): Line => [pieceOf(`${label}:  `), field]

const NOTES = [
  line('DETAIL', Field.ErrDetail),
  line('HINT', Field.ErrHint),
  line('QUERY', Field.InternalQuery),
  line('CONTEXT', Field.ErrContext),
]
const LOCATION = line('LOCATION', Field.FileErrPos)
const BACKTRACE = line('BACKTRACE', Field.Backtrace)
const STATEMENT = line('STATEMENT', Field.UserQuery)

/**
 * Writes records as PostgreSQL does to standard error: a line for the message, more for what else there is, each with the
 * prefix in front; a tab before what a text has behind a line end of its own.
 */
export class StderrEncoder implements Encoder {
  readonly #prefix: LogLinePrefix
  readonly #verbosity: Verbosity

  /** @throws Error when the prefix holds an escape that is not known */
  constructor(prefix: string, verbosity: Verbosity) {
    this.#prefix = new LogLinePrefix(prefix)
    this.#verbosity = verbosity
  }

  room(record: RecordView): number {
    return (
      MAX_MARKED_GROWTH * (record.end - record.start) + MOST_LINES * this.#prefix.room(record) + FIXED_ROOM
    )
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    const start = at
    at = this.#prefix.write(record, out, at)
    const length = at - start
    at = this.#writeHeadline(record, out, at)
    if (this.#verbosity !== 'terse') {
      for (const note of NOTES) at = writeLine(record, note, out, at, start, length)
      if (this.#verbosity === 'verbose') at = writeLine(record, LOCATION, out, at, start, length)
      at = writeLine(record, BACKTRACE, out, at, start, length)
    }
    return writeLine(record, STATEMENT, out, at, start, length)
  }

  #writeHeadline(record: RecordView, out: Room, at: number): number {
    at = writePiece(out, at, SEVERITY_LABELS[record.severityRank()]!)
    if (this.#verbosity === 'verbose' && record.has(Field.SQLState)) {
      at = writeField(record, Field.SQLState, out, at)
      out.bytes[at++] = COLON
      out.bytes[at++] = SPACE
    }
    at = record.has(Field.ErrMessage)
      ? writeField(record, Field.ErrMessage, out, at)
      : writePiece(out, at, MISSING)
    const cursor = positionOf(record, Field.UserQueryPos) || positionOf(record, Field.InternalQueryPos)
    if (cursor > 0) at = writeNumber(out.bytes, writePiece(out, at, AT_CHARACTER), cursor)
    out.bytes[at] = NEWLINE
    return at + 1
  }
}

/** Said here even where the statement is not shown. */
const positionOf = ({ bytes, spans }: RecordView, field: number): number =>
  Math.max(0, readInt32(bytes, spans[2 * field]!))

function writeField(record: RecordView, field: number, out: Room, at: number): number {
  const { spans } = record
  return writeMarkedText(out, at, record, spans[2 * field]!, spans[2 * field + 1]!, NEWLINES)
}

/** A line under the headline; its prefix is the one that stands at `start` already. */
function writeLine(
  record: RecordView,
  [label, field]: Line,
  out: Room,
  at: number,
  start: number,
  length: number,
): number {
  if (!record.has(field)) return at
  const { bytes } = out
  for (let i = 0; i < length; i++) bytes[at + i] = bytes[start + i]!
  at = writeField(record, field, out, writePiece(out, at + length, label))
  bytes[at] = NEWLINE
  return at + 1
}
