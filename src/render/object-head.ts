import { encodeIdentity, encodeVersion } from '../codec/control.ts'
import { Field } from '../codec/fields.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import { parseLogTime, timeMicros } from '../record/log-time.ts'
import { type Piece, pieceOfBytes, type Room, writePiece } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import { uidOf, uidPrefix } from '../record/uid.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'
import type { EnvelopeHead } from './envelope.ts'

/** A server, as heads carry it. */
export interface ObjectSource {
  readonly identity: string
  /** What all unique ids of its records begin with. */
  readonly uidPrefix: string
  /** Its ring; undefined in logfebe-1. */
  readonly bootId: bigint | undefined
  /** `V` and `I` frames that say all of this. */
  readonly frames: Buffer
}

const NUMBERS = 20

/**
 * Writes the head of a record's envelope:
 *
 *     float64 LE  microseconds since 1970, or 0
 *     float64 LE  sequence, or -1
 *     int32 LE    length of the source
 *     bytes       source: `identity NUL uid prefix NUL boot id or nothing NUL`, `V` and `I` frames
 *     bytes       without a sequence: what follows the prefix in its unique id
 */
export class ObjectHeadWriter implements EnvelopeHead {
  #source: Source | undefined
  #piece: Piece = pieceOfBytes(new Uint8Array())

  room(record: RecordView): number {
    const { identity, version } = record.source
    const spans = record.spans
    const session = spans[2 * Field.SessionId + 1]! - spans[2 * Field.SessionId]!
    return NUMBERS + 7 * identity.length + 3 * version.server.length + session + 160
  }

  write(record: RecordView, out: Room, at: number): number {
    const { source } = record
    if (source !== this.#source) {
      this.#source = source
      this.#piece = pieceOfBytes(sourceBytes(source))
    }
    const sequence = record.sequenceStart === -1 ? -1 : record.sequenceStart + record.sequenceOffset
    const plain = sequence <= Number.MAX_SAFE_INTEGER
    out.words.setFloat64(at, objectMicros(record), true)
    out.words.setFloat64(at + 8, plain ? sequence : -1, true)
    out.words.setInt32(at + 16, this.#piece.length, true)
    const end = writePiece(out, at + NUMBERS, this.#piece)
    if (plain && sequence >= 0) return end
    const own = Buffer.from(uidOf(record).slice(uidPrefix(source).length))
    out.bytes.set(own, end)
    return end + own.length
  }
}

/** A time without a zone that is known is read as if it were UTC: the same record always belongs to the same hour. */
function objectMicros(record: RecordView): number {
  const inUtc = () => parseLogTime(record.text(Field.LogTime)!.replace(/ [^ ]+$/, ' UTC'))
  return Math.max(0, timeMicros(record) ?? inUtc() ?? 0)
}

function sourceBytes(source: Source): Uint8Array {
  const text = `${source.identity}\0${uidPrefix(source)}\0${source.bootId ?? ''}\0`
  return Buffer.concat([Buffer.from(text), encodeVersion(source.version), encodeIdentity(source.identity)])
}

/** When the record of a head at `at` was written, in microseconds since 1970; 0: it does not say. */
export const objectMicrosAt = (view: DataView, at: number): number => view.getFloat64(at, true)

/** In its ring; -1: it has none, and what stands behind the source is its number. */
export const objectSequenceAt = (view: DataView, at: number): number => view.getFloat64(at + 8, true)

/** Where the source begins that `readObjectSource` takes apart. */
export const objectSourceStart = (at: number): number => at + NUMBERS

/** Where it ends. */
export const objectSourceEnd = (view: DataView, at: number): number =>
  at + NUMBERS + view.getInt32(at + 16, true)

/** Takes the source of a head apart. */
export function readObjectSource(source: Buffer): ObjectSource {
  const first = source.indexOf(0)
  const second = source.indexOf(0, first + 1)
  const third = source.indexOf(0, second + 1)
  const boot = source.toString('utf8', second + 1, third)
  return {
    identity: source.toString('utf8', 0, first),
    uidPrefix: source.toString('utf8', first + 1, second),
    bootId: boot === '' ? undefined : BigInt(boot),
    frames: Buffer.from(source.subarray(third + 1)),
  }
}

/** A record as the frame that it came in, and nothing else: who it is from stands in the head. */
export class FrameEncoder implements Encoder {
  room(record: RecordView): number {
    return record.end - record.start + FRAME_HEADER_BYTES
  }

  encode(record: RecordView, out: Room, at: number): number {
    const frame = record.bytes.subarray(record.start - FRAME_HEADER_BYTES, record.end)
    out.bytes.set(frame, at)
    return at + frame.length
  }
}
