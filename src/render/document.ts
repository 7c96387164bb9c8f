import { Field, readInt32 } from '../codec/fields.ts'
import { sessionStartMicros, timeMicros } from '../record/log-time.ts'
import type { Room } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import { type EnvelopeHead, envelopeBody } from './envelope.ts'

/**
 * Records as documents of a database that knows dates and 64-bit integers, which JSON does not: the envelope's head holds
 * those, its body the rest as canonical JSON.
 *
 *     int64 BE   time, session start: microseconds since 1970; 0 where it is not known
 *     int64 BE   seq, line_num, txid, query_id, original_bytes
 */

const INT64_BYTES = 8
const HEAD_BYTES = 7 * INT64_BYTES
const WORD = 2 ** 32

/** The head of a record's envelope. */
export class DocumentHead implements EnvelopeHead {
  room(): number {
    return HEAD_BYTES
  }

  write(record: RecordView, out: Room, at: number): number {
    const isFirst = record.source.version.protocol === 1
    at = writeWhole(out, at, timeMicros(record) ?? 0)
    at = writeWhole(out, at, sessionStartMicros(record) ?? 0)
    out.words.setBigInt64(at, record.sequence ?? 0n)
    at = copyInt64(out, at + INT64_BYTES, record, Field.SeqNum)
    at = copyInt64(out, at, record, Field.Txid)
    if (isFirst) return writeWhole(out, writeWhole(out, at, 0), 0)
    return copyInt64(out, copyInt64(out, at, record, Field.QueryId), record, Field.OriginalBytes)
  }
}

function writeWhole(out: Room, at: number, value: number): number {
  const high = Math.floor(value / WORD)
  out.words.setInt32(at, high)
  out.words.setUint32(at + 4, value - high * WORD)
  return at + INT64_BYTES
}

function copyInt64(out: Room, at: number, { bytes, spans }: RecordView, field: number): number {
  const from = spans[2 * field]!
  out.words.setInt32(at, readInt32(bytes, from))
  out.words.setInt32(at + 4, readInt32(bytes, from + 4))
  return at + INT64_BYTES
}

/** One record: canonical keys, with `_id` the unique id, dates as dates, and 64-bit integers as `Int64` makes them. */
export interface RecordDocument {
  _id?: string
  uid: string
  timestamp: string | Date
  session_start?: string | Date
  [key: string]: unknown
}

/** Makes a 64-bit integer of two signed halves: a number has no room for it, and bigints are slow to make and to write. */
export type Int64 = (high: number, low: number) => unknown

/** Records in envelopes, as a batch holds them. */
interface Envelopes {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

/** What documents are completed by. */
interface Completion {
  readonly now: number
  readonly int64: Int64
}

/**
 * The documents of a batch.
 *
 * @param now milliseconds since 1970, in place of a time that a record does not say; what it says as a text is kept then
 */
export function documentsOf({ bytes, ends }: Envelopes, completion: Completion): RecordDocument[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const documents: RecordDocument[] = []
  let start = 0
  for (const end of ends) {
    const body = envelopeBody(view, start)
    const document = JSON.parse(text.toString('utf8', body, end)) as RecordDocument
    complete(document, view, body - HEAD_BYTES, completion)
    documents.push(document)
    start = end
  }
  return documents
}

const INTEGERS = ['seq', 'line_num', 'txid', 'query_id', 'original_bytes'] as const

function complete(document: RecordDocument, view: DataView, at: number, { now, int64 }: Completion): void {
  document._id = document.uid
  const micros = microsAt(view, at)
  if (micros === 0) {
    document['timestamp_text'] = document.timestamp
    document.timestamp = new Date(now)
  } else {
    document['timestamp_us'] = int64(view.getInt32(at), view.getInt32(at + 4))
    document.timestamp = dateOf(micros)
  }
  at += INT64_BYTES
  const session = microsAt(view, at)
  if (session !== 0) document.session_start = dateOf(session)
  for (const name of INTEGERS) {
    at += INT64_BYTES
    if (document[name] !== undefined) document[name] = int64(view.getInt32(at), view.getInt32(at + 4))
  }
}

/** A time: below 2^53, as those of the next two centuries are. */
const microsAt = (view: DataView, at: number): number => view.getInt32(at) * WORD + view.getUint32(at + 4)

const dateOf = (micros: number): Date => new Date(Math.floor(micros / 1000))
