import { writeNumber } from '../../record/digits.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'

const SECOND = 1_000_000

/** Times in ISO 8601. It remembers the last one: records of the same second, and of the same session, stand together. */
export class IsoTime {
  #second = Number.NaN
  /** `2026-03-01T12:00:00` */
  #piece: Piece = pieceOf('')
  #micros = Number.NaN
  #whole: Piece = pieceOf('')

  /** Writes a time with microseconds, 27 bytes: `2026-03-01T12:00:00.001234Z`. */
  write(micros: number, out: Room, at: number): number {
    const second = Math.floor(micros / SECOND)
    if (second !== this.#second) {
      this.#second = second
      this.#piece = pieceOf(new Date(second * 1000).toISOString().slice(0, 19))
    }
    const point = writePiece(out, at, this.#piece)
    // A one in front keeps the zeros, and makes room for the point.
    at = writeNumber(out.bytes, point, SECOND + micros - second * SECOND)
    out.bytes[point] = 0x2e
    out.bytes[at] = 0x5a
    return at + 1
  }

  /** A time with milliseconds, ready to write. */
  pieceOf(micros: number): Piece {
    if (micros !== this.#micros) {
      this.#micros = micros
      this.#whole = pieceOf(new Date(micros / 1000).toISOString())
    }
    return this.#whole
  }
}
