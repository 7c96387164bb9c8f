import { SEVERITIES, type Severity } from '../codec/severity.ts'
import { positiveMicros } from '../record/log-time.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../record/room.ts'
import type { RecordView } from '../record/view.ts'
import type { EnvelopeHead } from './envelope.ts'

/** Levels by which Axiom colours and filters. */
const LEVELS: Readonly<Record<Severity, string>> = {
  DEBUG5: 'debug',
  DEBUG4: 'debug',
  DEBUG3: 'debug',
  DEBUG2: 'debug',
  DEBUG1: 'debug',
  INFO: 'info',
  NOTICE: 'info',
  LOG: 'info',
  WARNING: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
  PANIC: 'fatal',
  UNKNOWN: 'info',
}

const FIRST_LEVEL = SEVERITIES.map((name) => pieceOf(`{"level":"${LEVELS[name]}"`))
const LEVEL = SEVERITIES.map((name) => pieceOf(`Z","level":"${LEVELS[name]}"`))
const ZERO = 0x30
const SECOND = 1_000_000
const DIGITS = 6

/** What an event of Axiom has in front of the record: `_time`, in microseconds and UTC, and `level`. */
export class AxiomHead implements EnvelopeHead {
  #second = Number.NaN
  /** Up to the point behind the second; records of the same one stand together. */
  #text: Piece = pieceOf('')

  room(): number {
    return 80
  }

  write(record: RecordView, out: Room, at: number): number {
    const micros = positiveMicros(record)
    // An event without a time gets the one at which it arrives.
    if (micros === undefined) return writePiece(out, at, FIRST_LEVEL[record.severityRank()]!)
    const second = Math.floor(micros / SECOND)
    if (second !== this.#second) {
      this.#second = second
      this.#text = pieceOf(`{"_time":"${new Date(second * 1000).toISOString().slice(0, -'000Z'.length)}`)
    }
    at = writePiece(out, at, this.#text) + DIGITS
    let fraction = micros - second * SECOND
    for (let i = 1; i <= DIGITS; i++) {
      out.bytes[at - i] = ZERO + (fraction % 10)
      fraction = Math.floor(fraction / 10)
    }
    return writePiece(out, at, LEVEL[record.severityRank()]!)
  }
}
