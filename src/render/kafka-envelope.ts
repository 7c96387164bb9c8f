import { Field } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import { writeNumber } from '../record/digits.ts'
import { type Piece, pieceOf, pieceOfBytes, type Room, writePiece } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import { traceContextOf } from '../record/trace.ts'
import { uidOf, uidPrefix } from '../record/uid.ts'
import type { RecordView } from '../record/view.ts'
import type { EnvelopeHead } from './envelope.ts'
import { murmur2 } from './murmur2.ts'
import type { TopicTemplate } from './topic-template.ts'
import { varintLength, writeVarint } from './varint.ts'
import { millisOf } from './wall-clock.ts'

/** What records of one session, one server, or one database have in common: they go to one partition, in order. */
export const KAFKA_KEYS = ['session', 'identity', 'database', 'none'] as const

/** What the head is made of. */
export interface KafkaHeadOptions {
  readonly key: (typeof KAFKA_KEYS)[number]
  readonly topic: TopicTemplate
  /** Value of the header `content-type`. */
  readonly contentType: string
}

/** Version of what the headers and the body say, in the header `schema`. */
const SCHEMA = '1'
/** Offsets in a head. */
export const KafkaHead = { time: 0, hash: 8, topicBytes: 12, keyBytes: 14, topic: 18 } as const
/** In place of a hash: the record has no key. */
export const NO_KEY = -1

const MOST_TIME_AND_STATE = 128
const MOST_TRACE = 96
const NO_BYTES = new Uint8Array(0)
const utf8 = new TextEncoder()

/**
 * What Kafka has to know of a record, for the most part as Kafka's record format has it:
 *
 *     float64   time of the event, in milliseconds since 1970
 *     int32     hash of the key (murmur2.ts), or -1: no key
 *     uint16    length of the topic's name; 0: the one topic of the destination
 *     int32     length of the key's field
 *     bytes     name of the topic
 *     bytes     the key's field: varint length, key
 *     bytes     the headers' field: varint count, and for each varint length, name, varint length, value
 *
 * Numbers are little-endian.
 */
export class KafkaEnvelopeHead implements EnvelopeHead {
  readonly #options: KafkaHeadOptions
  readonly #fixedTopic: boolean
  readonly #severities: readonly Piece[]
  #source: Source | undefined
  #identity: Uint8Array = NO_BYTES
  /** Headers that are the same for all records of a source. */
  #common: Piece = pieceOf('')
  #uidPrefix: Piece = pieceOf('')
  #topic: Uint8Array = NO_BYTES

  constructor(options: KafkaHeadOptions) {
    this.#options = options
    this.#fixedTopic = options.topic.fixed !== undefined
    this.#severities = SEVERITIES.map((name) => pieceOfBytes(headerField('severity', name)))
  }

  room(record: RecordView): number {
    this.#prepare(record.source)
    const { spans } = record
    const state = spans[2 * Field.SQLState + 1]! - spans[2 * Field.SQLState]!
    const session = spans[2 * Field.SessionId + 1]! - spans[2 * Field.SessionId]!
    const database = Math.max(0, spans[2 * Field.DatabaseName + 1]! - spans[2 * Field.DatabaseName]!)
    const key = Math.max(session, database, this.#identity.length)
    const variable = key + 2 * session + state + this.#topic.length + this.#common.length
    return KafkaHead.topic + 256 + MOST_TIME_AND_STATE + MOST_TRACE + variable + this.#uidPrefix.length
  }

  write(record: RecordView, out: Room, at: number): number {
    this.#prepare(record.source)
    const { bytes, words } = out
    words.setFloat64(at + KafkaHead.time, millisOf(record) ?? Date.now(), true)
    const topic = this.#fixedTopic ? NO_BYTES : this.#options.topic.nameFor(record)
    words.setUint16(at + KafkaHead.topicBytes, topic.length, true)
    bytes.set(topic, at + KafkaHead.topic)
    const key = at + KafkaHead.topic + topic.length
    const headers = this.#writeKey(record, out, key, at + KafkaHead.hash)
    words.setInt32(at + KafkaHead.keyBytes, headers - key, true)
    return this.#writeHeaders(record, out, headers)
  }

  #writeKey(record: RecordView, out: Room, at: number, hashAt: number): number {
    const { key } = this.#options
    if (key === 'identity') return putKey(out, at, hashAt, this.#identity, 0, this.#identity.length)
    const field = key === 'session' ? Field.SessionId : Field.DatabaseName
    if (key === 'none' || !record.has(field)) {
      out.words.setInt32(hashAt, NO_KEY, true)
      return writeVarint(out.bytes, at, -1)
    }
    const { spans } = record
    return putKey(out, at, hashAt, record.bytes, spans[2 * field]!, spans[2 * field + 1]!)
  }

  #writeHeaders(record: RecordView, out: Room, at: number): number {
    const count = at
    let headers = 5
    at = writePiece(out, at + 1, this.#common)
    at = writePiece(out, at, this.#severities[record.severityRank()]!)
    at = this.#writeUid(record, out, at)
    if (record.has(Field.SQLState)) {
      headers++
      at = writeState(record, out, at)
    }
    const trace = traceContextOf(record)
    if (trace !== undefined) {
      headers++
      const parent = `00-${trace.traceId}-${trace.spanId}-${trace.flags}`
      at = writePiece(out, at, pieceOfBytes(headerField('traceparent', parent)))
    }
    out.bytes[count] = 2 * headers
    return at
  }

  #writeUid(record: RecordView, out: Room, at: number): number {
    const sequence = record.sequenceStart + record.sequenceOffset
    if (record.sequenceStart < 0 || !Number.isSafeInteger(sequence))
      return writePiece(out, at, pieceOfBytes(headerField('uid', uidOf(record))))
    at = writePiece(out, at, UID_NAME)
    const end = writeNumber(out.bytes, writePiece(out, at + 1, this.#uidPrefix), sequence)
    // Shorter than 64: one byte.
    out.bytes[at] = 2 * (end - at - 1)
    return end
  }

  #prepare(source: Source): void {
    if (source === this.#source) return
    this.#source = source
    this.#identity = utf8.encode(source.identity)
    this.#uidPrefix = pieceOf(uidPrefix(source))
    const { contentType } = this.#options
    const fixed = [headerField('schema', SCHEMA), headerField('content-type', contentType)]
    this.#common = pieceOfBytes(Buffer.concat([...fixed, headerField('identity', source.identity)]))
    this.#topic = this.#fixedTopic ? NO_BYTES : new Uint8Array(256)
  }
}

/** One header as Kafka's records hold it. */
function headerField(name: string, value: string): Uint8Array {
  const parts = [utf8.encode(name), utf8.encode(value)]
  const lengths = parts.map(({ length }) => {
    const bytes = new Uint8Array(varintLength(length))
    writeVarint(bytes, 0, length)
    return bytes
  })
  return Buffer.concat([lengths[0]!, parts[0]!, lengths[1]!, parts[1]!])
}

// The length of a name stands in front of it, doubled.
const UID_NAME = pieceOf('\u0006uid')
const STATE_NAME = pieceOf('\u0010sqlstate')

function writeState(record: RecordView, out: Room, at: number): number {
  const start = record.spans[2 * Field.SQLState]!
  const end = record.spans[2 * Field.SQLState + 1]!
  at = writeVarint(out.bytes, writePiece(out, at, STATE_NAME), end - start)
  for (let from = start; from < end; from++) out.bytes[at++] = record.bytes[from]!
  return at
}

function putKey(
  out: Room,
  at: number,
  hashAt: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  at = writeVarint(out.bytes, at, end - start)
  const begin = at
  for (let from = start; from < end; from++) out.bytes[at++] = bytes[from]!
  out.words.setInt32(hashAt, murmur2(out.bytes, out.words, begin, at), true)
  return at
}
