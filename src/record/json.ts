import * as Layout from '../../kernel/layout.ts'
import { Field } from '../codec/fields.ts'
import { findDuration } from './duration.ts'
import { MAX_JSON_GROWTH } from './json-text.ts'
import { kernelFor, type SourcePieces } from './kernel.ts'
import { recodeToUtf8 } from './recode.ts'
import { pieceOf, type Room, writePiece } from './room.ts'
import type { Source } from './source.ts'
import { traceContextOf } from './trace.ts'
import { uidPrefix } from './uid.ts'
import type { RecordView } from './view.ts'

/**
 * The canonical JSON of a record: PostgreSQL's own `jsonlog` keys in its order, then what `jsonlog` leaves out.
 *
 * It is written as bytes from bytes: nearly all fields are text that goes over as it is, and a string in between would
 * cost more than all the rest. An absent field has no key; an empty one is `""`. Numbers keep all 64 bits, as
 * PostgreSQL writes them.
 */

const CLOSE = 0x7d
const TWO_TO_32 = 2 ** 32
const PHASES = { none: 0, parse: 1, bind: 2 } as const

/** What every record of one source shares, written once. */
interface SourceTexts extends SourcePieces {
  readonly source: Source
}

function textsOf(source: Source): SourceTexts {
  const text = `,"identity":${JSON.stringify(source.identity)},"server_version":${JSON.stringify(source.version.server)}`
  return { source, tail: pieceOf(text), uid: pieceOf(uidPrefix(source)) }
}

/** Writes records as canonical JSON. It remembers what neighbouring records share, so keep one per stream of records. */
export class JsonEncoder {
  #texts: SourceTexts | undefined

  /** Bytes that `encode` may touch for this record at the most. The record must have been walked. */
  room(record: RecordView): number {
    const { spans } = record
    // In logfebe-1 the session id is written twice: as itself, and in the unique id.
    const twice = spans[2 * Field.SessionId + 1]! - spans[2 * Field.SessionId]!
    const text = record.end - record.start + twice
    return MAX_JSON_GROWTH * text + this.textsFor(record.source).tail.length + Layout.FIXED_ROOM
  }

  /**
   * Writes one record, without a line end, into `out` from `at` on; there must be `room(record)` bytes.
   *
   * The record must have been walked (`record.walk()`).
   *
   * @returns the offset after the closing brace
   */
  encode(given: RecordView, out: Room, at: number): number {
    // Text of another encoding is made into UTF-8 first, field by field, in a frame of its own.
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    const kernel = kernelFor(record.end - record.start + this.room(record))
    kernel.setPieces(this.textsFor(record.source))
    kernel.parameters[Layout.SEVERITY] = record.severityRank()
    setSequence(kernel.parameters, record)
    setDuration(kernel.parameters, record)
    at = writeTrace(out, kernel.render(record, out.bytes, at), record)
    out.bytes[at] = CLOSE
    return at + 1
  }

  /** What the records of a source share. */
  textsFor(source: Source): SourcePieces {
    if (this.#texts?.source !== source) this.#texts = textsOf(source)
    return this.#texts!
  }
}

/** Tells the kernel the record's place in the order. */
export function setSequence(parameters: Int32Array, record: RecordView): void {
  const known = record.sequenceStart !== -1
  parameters[Layout.HAS_SEQUENCE] = known ? 1 : 0
  if (!known) return
  const sequence = record.sequenceStart + record.sequenceOffset
  if (sequence <= Number.MAX_SAFE_INTEGER) {
    parameters[Layout.SEQUENCE_LOW] = sequence % TWO_TO_32
    parameters[Layout.SEQUENCE_HIGH] = sequence / TWO_TO_32
    return
  }
  const exact = record.sequence!
  parameters[Layout.SEQUENCE_LOW] = Number(exact & 0xffffffffn)
  parameters[Layout.SEQUENCE_HIGH] = Number(exact >> 32n)
}

function setDuration(parameters: Int32Array, record: RecordView): void {
  const duration = findDuration(record)
  if (duration === undefined) {
    parameters[Layout.DURATION] = -1
    return
  }
  parameters[Layout.DURATION] = duration.start
  parameters[Layout.DURATION_END] = duration.end
  parameters[Layout.PHASE] = PHASES[duration.phase ?? 'none']
}

function writeTrace(out: Room, at: number, record: RecordView): number {
  const trace = traceContextOf(record)
  if (trace === undefined) return at
  const { traceId, spanId, flags } = trace
  return writePiece(
    out,
    at,
    pieceOf(`,"trace_id":"${traceId}","span_id":"${spanId}","trace_flags":"${flags}"`),
  )
}
