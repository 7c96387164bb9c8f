import { Field } from '../codec/fields.ts'
import { SEVERITIES, type Severity } from '../codec/severity.ts'
import { writeNumber } from '../record/digits.ts'
import { positiveMicros } from '../record/log-time.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import { traceContextOf } from '../record/trace.ts'
import type { RecordView } from '../record/view.ts'
import type { EnvelopeHead } from './envelope.ts'

/** Statuses of Datadog. */
const STATUSES: Readonly<Record<Severity, string>> = {
  DEBUG5: 'debug',
  DEBUG4: 'debug',
  DEBUG3: 'debug',
  DEBUG2: 'debug',
  DEBUG1: 'debug',
  INFO: 'info',
  NOTICE: 'notice',
  LOG: 'info',
  WARNING: 'warning',
  ERROR: 'error',
  // It ends a session, and not the server.
  FATAL: 'critical',
  PANIC: 'emergency',
  UNKNOWN: 'info',
}

/** What every log says of where it comes from. */
export interface DatadogOrigin {
  readonly service: string
  /** `name:value,name:value`; may be empty. */
  readonly tags: string
}

const TIME = pieceOf('{"timestamp":')
const STATUS = SEVERITIES.map((name) => pieceOf(`"status":"${STATUSES[name]}",`))
const BRACE = 0x7b
const COMMA = 0x2c
const NO_MESSAGE = pieceOf(',"message":""')

/** What a log of Datadog has in front of the record: its time, its status, where it comes from, the trace that it belongs to. */
export class DatadogHead implements EnvelopeHead {
  readonly #origin: DatadogOrigin
  #source: Source | undefined
  #piece: Piece = pieceOf('')

  constructor(origin: DatadogOrigin) {
    this.#origin = origin
  }

  room({ source }: RecordView): number {
    return this.#pieceFor(source).length + 256
  }

  write(record: RecordView, out: Room, at: number): number {
    const micros = positiveMicros(record)
    if (micros === undefined) out.bytes[at++] = BRACE
    else {
      at = writeNumber(out.bytes, writePiece(out, at, TIME), Math.floor(micros / 1000))
      out.bytes[at++] = COMMA
    }
    at = writePiece(out, at, STATUS[record.severityRank()]!)
    at = writePiece(out, at, this.#pieceFor(record.source))
    // Datadog wants one of every log.
    if (record.spans[2 * Field.ErrMessage]! < 0) at = writePiece(out, at, NO_MESSAGE)
    const trace = traceContextOf(record)
    if (trace === undefined) return at
    // The trace as hex digits, the span as a number: as Datadog's own libraries write them.
    const span = BigInt(`0x${trace.spanId}`)
    return writePiece(out, at, pieceOf(`,"dd.trace_id":"${trace.traceId}","dd.span_id":"${span}"`))
  }

  #pieceFor(source: Source): Piece {
    if (source !== this.#source) {
      const { service, tags } = this.#origin
      const { identity } = source
      const said = {
        ddsource: 'postgresql',
        service,
        ...(identity !== '' && { hostname: identity }),
        ...(tags !== '' && { ddtags: tags }),
      }
      this.#source = source
      this.#piece = pieceOf(JSON.stringify(said).slice(1, -1))
    }
    return this.#piece
  }
}

/** The time of a log that such a head begins, in milliseconds since 1970; undefined where it has none. */
export function logTimeMs(bytes: Uint8Array, start: number): number | undefined {
  // `{"s…` has none, `{"t…` has one.
  if (bytes[start + 2] !== LETTER_T) return undefined
  let ms = 0
  for (let at = start + TIME.length; bytes[at] !== COMMA; at++) ms = ms * 10 + bytes[at]! - 0x30
  return ms
}

const LETTER_T = 0x74
const RENAMED = new TextEncoder().encode('logged_ms')

/** Calls the time of a log `logged_ms`: Datadog then gives it the one at which it arrives. */
export function renameTime(bytes: Uint8Array, start: number): void {
  bytes.set(RENAMED, start + 2)
}
