import { Field } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import { writeNumber } from '../record/digits.ts'
import { JsonEncoder } from '../record/json.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import { type Piece, pieceOfBytes, type Room, roomOf, writePiece } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import { uidOf, uidPrefix } from '../record/uid.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'

/**
 * Records as messages of google.pubsub.v1.PublishRequest (its field 2), so that a request is made by putting them one behind
 * the other. The ordering key stands first in each, where it is found without looking at the rest:
 *
 *     ordering_key  5  string, where there is one
 *     attributes    2  map<string, string>
 *     data          1  the record as canonical JSON
 */

/** What a message is ordered by: all of a session, all of a server, or nothing. */
export const ORDERINGS = ['none', 'session', 'identity'] as const
export type Ordering = (typeof ORDERINGS)[number]

/** Version of the JSON that `data` holds, as in record.schema.json. */
const SCHEMA = '1'
/** Pub/Sub's limits of one attribute's value and of an ordering key, in bytes. */
export const MOST_TEXT_BYTES = 1024
const MARK = '…[truncated]'

const MESSAGES = 0x12
export const ORDERING_KEY = 0x2a
const ATTRIBUTE = 0x12
const DATA = 0x0a
const MAP_KEY = 0x0a
const MAP_VALUE = 0x12
/** Lengths that are known only afterwards take four bytes, zeros in front: every reader of varints takes them. */
export const LENGTH_BYTES = 4
/** Keys of attributes and what surrounds them; severity, state, schema. */
const FIXED_ROOM = 512

/** Writes each record as a message. */
export class PubsubEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #ordering: Ordering
  readonly #severities = SEVERITIES.map((name) => attribute('severity', name))
  readonly #schema = attribute('schema', SCHEMA)
  #source: Source | undefined
  #identity: Piece = pieceOfBytes(Buffer.of())
  #identityKey: Piece = pieceOfBytes(Buffer.of())
  /** The unique id: what all records of the source share, then the sequence. */
  readonly #id = roomOf(new Uint8Array(64))
  #prefixBytes = 0

  constructor(ordering: Ordering) {
    this.#ordering = ordering
  }

  room(record: RecordView): number {
    // The unique id, dbname, the identity twice, and a session as the key.
    return this.#json.room(record) + 5 * (MOST_TEXT_BYTES + 16) + FIXED_ROOM
  }

  encode(given: RecordView, out: Room, start: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    if (record.source !== this.#source) this.#take(record.source)
    const content = start + 1 + LENGTH_BYTES
    out.bytes[start] = MESSAGES
    const data = this.#attributes(record, out, this.#orderingKey(record, out, content))
    out.bytes[data] = DATA
    const text = data + 1 + LENGTH_BYTES
    const end = this.#json.encode(record, out, text)
    writeLength(out.bytes, data + 1, end - text)
    writeLength(out.bytes, start + 1, end - content)
    return end
  }

  #take(source: Source): void {
    this.#source = source
    const identity = fitted(source.identity)
    this.#identity = source.identity === '' ? pieceOfBytes(Buffer.of()) : attribute('identity', identity)
    this.#identityKey = pieceOfBytes(delimited(ORDERING_KEY, Buffer.from(identity)))
    this.#prefixBytes = Buffer.from(this.#id.bytes.buffer).write(uidPrefix(source), 'latin1')
  }

  #orderingKey(record: RecordView, out: Room, at: number): number {
    if (this.#ordering === 'none') return at
    if (this.#ordering === 'identity') return writePiece(out, at, this.#identityKey)
    const start = record.spans[2 * Field.SessionId]!
    const end = record.spans[2 * Field.SessionId + 1]!
    out.bytes[at] = ORDERING_KEY
    return writeText(out, at + 1, record, start, end)
  }

  #attributes(record: RecordView, out: Room, at: number): number {
    at = this.#uid(record, out, at)
    at = writePiece(out, at, this.#identity)
    at = writePiece(out, at, this.#severities[record.severityRank()]!)
    if (!isSuccess(record)) at = fieldAttribute(out, at, SQLSTATE, record, Field.SQLState)
    at = fieldAttribute(out, at, DBNAME, record, Field.DatabaseName)
    return writePiece(out, at, this.#schema)
  }

  #uid(record: RecordView, out: Room, at: number): number {
    const sequence = record.sequenceStart + record.sequenceOffset
    if (record.sequenceStart === -1 || !Number.isSafeInteger(sequence))
      return writePiece(out, at, attribute('uid', fitted(uidOf(record))))
    const end = writeNumber(this.#id.bytes, this.#prefixBytes, sequence)
    return writeAttribute(out, at, UID, this.#id, 0, end)
  }
}

/** An attribute's key as it stands in its entry. */
const keyOf = (name: string): Piece => pieceOfBytes(delimited(MAP_KEY, Buffer.from(name)))

const UID = keyOf('uid')
const SQLSTATE = keyOf('sqlstate')
const DBNAME = keyOf('dbname')

/** A whole attribute that is prepared. */
function attribute(name: string, value: string): Piece {
  const entry = Buffer.concat([
    delimited(MAP_KEY, Buffer.from(name)),
    delimited(MAP_VALUE, Buffer.from(value)),
  ])
  return pieceOfBytes(delimited(ATTRIBUTE, entry))
}

function fieldAttribute(out: Room, at: number, key: Piece, record: RecordView, field: number): number {
  const start = record.spans[2 * field]!
  const end = record.spans[2 * field + 1]!
  return start < 0 ? at : writeAttribute(out, at, key, record, start, end)
}

/** Whether the state is 00000, that of success. */
function isSuccess({ bytes, spans }: RecordView): boolean {
  const start = spans[2 * Field.SQLState]!
  const end = spans[2 * Field.SQLState + 1]!
  for (let at = start; at < end; at++) if (bytes[at] !== 0x30) return false
  return end - start === 5
}

function writeAttribute(out: Room, at: number, key: Piece, from: Room, start: number, end: number): number {
  if (!isPlain(from.bytes, start, end)) {
    from = fit8(from.bytes, start, end)
    start = 0
    end = from.bytes.length
  }
  const length = end - start
  out.bytes[at] = ATTRIBUTE
  at = writeVarint(out.bytes, at + 1, key.length + 1 + varintBytes(length) + length)
  at = writePiece(out, at, key)
  out.bytes[at] = MAP_VALUE
  return copy(out, at + 1, from, start, end)
}

/** A text with its length in front. */
function writeText(out: Room, at: number, from: Room, start: number, end: number): number {
  if (isPlain(from.bytes, start, end)) return copy(out, at, from, start, end)
  const fit = fit8(from.bytes, start, end)
  return copy(out, at, fit, 0, fit.bytes.length)
}

function copy(out: Room, at: number, from: Room, start: number, end: number): number {
  at = writeVarint(out.bytes, at, end - start)
  while (start < end) out.bytes[at++] = from.bytes[start++]!
  return at
}

/** Whether text can be copied without a closer look. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > MOST_TEXT_BYTES) return false
  for (; start < end; start++) if (bytes[start]! >= 0x80) return false
  return true
}

/** Text that is UTF-8 and not too long, from text that may be neither. */
function fit8(bytes: Uint8Array, start: number, end: number): Room {
  return roomOf(Buffer.from(fitted(Buffer.from(bytes.subarray(start, end)).toString())))
}

/** A text cut between characters to what Pub/Sub takes, with a mark where it was. */
function fitted(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= MOST_TEXT_BYTES) return text
  let end = MOST_TEXT_BYTES - Buffer.byteLength(MARK)
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end) + MARK
}

/** A field with its length, from its tag. */
export function delimited(tag: number, content: Uint8Array): Buffer {
  const head = new Uint8Array(6)
  head[0] = tag
  return Buffer.concat([head.subarray(0, writeVarint(head, 1, content.length)), content])
}

const varintBytes = (value: number): number => (value < 0x80 ? 1 : 2)

/** Writes a number below 2^28. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  for (; value >= 0x80; value >>>= 7) bytes[at++] = (value & 0x7f) | 0x80
  bytes[at] = value
  return at + 1
}

function writeLength(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < LENGTH_BYTES - 1; i++, value >>>= 7) bytes[at + i] = (value & 0x7f) | 0x80
  bytes[at + LENGTH_BYTES - 1] = value
}
