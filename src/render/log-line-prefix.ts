import { Field, readInt32 } from '../codec/fields.ts'
import { splitAddress } from '../record/compound.ts'
import { writeInt32, writeInt64 } from '../record/digits.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import { MAX_MARKED_GROWTH, markOf, writeMarkedText } from './marked-text.ts'
import { writeEpoch, writeWithoutMillis } from './prefix-times.ts'
import { isOfClient } from './server-log.ts'

/**
 * PostgreSQL's `log_line_prefix`: what stands in front of every line of its log on standard error.
 *
 *     %m [%p] %q%u@%d       %-10u is filled up with spaces to ten bytes, %10u with spaces in front
 */

/** What PostgreSQL has by default. */
export const DEFAULT_PREFIX = '%m [%p] '

/** Writes a value; where the record has none, nothing. */
type Write = (record: RecordView, out: Room, at: number) => number

/** A value of the record by its escape. */
interface Escape {
  readonly write: Write
  /** Field that its size depends on; -1: it is short. */
  readonly field: number
}

interface Part extends Escape {
  readonly literal: Piece | undefined
  /** Least bytes, filled up with spaces: in front of the value, or behind it when negative. */
  readonly width: number
  /** `%q`: nothing more for a process that serves no client. */
  readonly quits: boolean
}

const NEWLINES = markOf('\n', '\t')
const UNKNOWN = pieceOf('[unknown]')
const SHORT_ROOM = 64
const MOST_WIDTH = 500
const SPACE = 0x20

function writeField(record: RecordView, field: number, out: Room, at: number): number {
  const { spans } = record
  const start = spans[2 * field]!
  return start < 0 ? at : writeMarkedText(out, at, record, start, spans[2 * field + 1]!, NEWLINES)
}

const text = (field: number): Escape => ({
  field,
  write: (record, out, at) => (record.has(field) ? writeField(record, field, out, at) : at),
})

/** A name that a client has: `[unknown]` before it has said it. */
const name = (field: number): Escape => ({
  field,
  write(record, out, at) {
    if (!isOfClient(record)) return at
    const end = writeField(record, field, out, at)
    return end === at ? writePiece(out, at, UNKNOWN) : end
  },
})

const short = (write: Write): Escape => ({ field: -1, write })
const int32 = (field: number): Escape =>
  short((record, out, at) => writeInt32(out.bytes, at, record.bytes, record.spans[2 * field]!))
const int64 = (field: number): Escape =>
  short((record, out, at) => writeInt64(out.bytes, at, record.bytes, record.spans[2 * field]!))
/** First major version that knows `%P` and `%Q`; those before write nothing for them. */
const WITH_LEADER = 14
/** Only logfebe-2 has it. */
const newer = ({ write }: Escape): Escape =>
  short((record, out, at) => {
    const { protocol, major } = record.source.version
    return protocol === 2 && major >= WITH_LEADER ? write(record, out, at) : at
  })

function writeHost(record: RecordView, out: Room, at: number, withPort: boolean): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.ClientAddr]!
  if (start < 0) return at
  const end = spans[2 * Field.ClientAddr + 1]!
  const hostEnd = splitAddress(bytes, start, end)
  at = writeMarkedText(out, at, record, start, hostEnd, NEWLINES)
  if (!withPort || hostEnd === end) return at
  out.bytes[at++] = 0x28
  for (let i = hostEnd + 1; i < end; i++) out.bytes[at++] = bytes[i]!
  out.bytes[at] = 0x29
  return at + 1
}

function writeLeader(record: RecordView, out: Room, at: number): number {
  const from = record.spans[2 * Field.LeaderPid]!
  return readInt32(record.bytes, from) === 0 ? at : writeInt32(out.bytes, at, record.bytes, from)
}

const ESCAPES: Readonly<Record<string, Escape>> = {
  a: name(Field.ApplicationName),
  b: text(Field.BackendType),
  c: text(Field.SessionId),
  d: name(Field.DatabaseName),
  e: text(Field.SQLState),
  h: { field: Field.ClientAddr, write: (record, out, at) => writeHost(record, out, at, false) },
  i: text(Field.PsDisplay),
  l: int64(Field.SeqNum),
  m: text(Field.LogTime),
  n: short(writeEpoch),
  p: int32(Field.Pid),
  P: newer(short(writeLeader)),
  Q: newer(int64(Field.QueryId)),
  r: { field: Field.ClientAddr, write: (record, out, at) => writeHost(record, out, at, true) },
  s: text(Field.SessionStart),
  t: { field: Field.LogTime, write: writeWithoutMillis },
  u: name(Field.UserName),
  v: text(Field.Vxid),
  x: int64(Field.Txid),
}

const ESCAPE = /%(?<sign>-?)(?<width>\d*)(?<letter>.)|%$/gsu

const nothing: Write = (_record, _out, at) => at
const NO_VALUE = { write: nothing, field: -1, width: 0, quits: false, literal: undefined }

const literalPart = (words: string): Part => ({ ...NO_VALUE, literal: pieceOf(words) })

function partOf(words: string, { sign, width, letter }: Readonly<Record<string, string>>): Part {
  if (letter === '%') return literalPart('%')
  if (letter === 'q') return { ...NO_VALUE, quits: true }
  const found = letter === undefined ? undefined : Object.hasOwn(ESCAPES, letter) && ESCAPES[letter]
  if (!found) {
    const known = [...Object.keys(ESCAPES), 'q', '%'].map((one) => `%${one}`).join(' ')
    throw new Error(`${JSON.stringify(words)} is nothing that a record can tell; there are ${known}`)
  }
  if (Number(width) > MOST_WIDTH) throw new Error(`"${words}" is wider than ${MOST_WIDTH}`)
  return { ...NO_VALUE, ...found, width: sign === '-' ? -Number(width) : Number(width) }
}

function partsOf(prefix: string): Part[] {
  const parts: Part[] = []
  let at = 0
  for (const found of prefix.matchAll(ESCAPE)) {
    if (found.index > at) parts.push(literalPart(prefix.slice(at, found.index)))
    parts.push(partOf(found[0], (found.groups ?? {}) as Record<string, string>))
    at = found.index + found[0].length
  }
  if (at < prefix.length) parts.push(literalPart(prefix.slice(at)))
  return parts
}

/** A `log_line_prefix`, ready to be written. */
export class LogLinePrefix {
  readonly #parts: readonly Part[]
  readonly #fixedRoom: number

  /** @throws Error with a sentence about an escape that is not known */
  constructor(prefix: string) {
    this.#parts = partsOf(prefix)
    this.#fixedRoom = this.#parts.reduce(
      (sum, { literal, width }) => sum + (literal?.length ?? SHORT_ROOM) + Math.abs(width),
      SHORT_ROOM,
    )
  }

  /** Bytes that `write` may touch at the most. */
  room({ spans }: RecordView): number {
    let bytes = this.#fixedRoom
    for (const { field } of this.#parts) {
      if (field >= 0) bytes += MAX_MARKED_GROWTH * (spans[2 * field + 1]! - spans[2 * field]!)
    }
    return bytes
  }

  /** Writes the prefix of a record, which has been walked and is UTF-8. */
  write(record: RecordView, out: Room, at: number): number {
    for (const { literal, quits, write, width } of this.#parts) {
      if (literal !== undefined) at = writePiece(out, at, literal)
      else if (quits) {
        if (!isOfClient(record)) return at
      } else if (width === 0) at = write(record, out, at)
      else at = fill(out.bytes, at, write(record, out, at), width)
    }
    return at
  }
}

/** Fills the bytes of a value up to a width. */
function fill(bytes: Uint8Array, start: number, end: number, width: number): number {
  const missing = Math.abs(width) - (end - start)
  if (missing <= 0) return end
  if (width < 0) bytes.fill(SPACE, end, end + missing)
  else {
    bytes.copyWithin(start + missing, start, end)
    bytes.fill(SPACE, start, start + missing)
  }
  return end + missing
}
