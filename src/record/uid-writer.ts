import { Field } from '../codec/fields.ts'
import { writeInt64, writeNumber } from './digits.ts'
import { writeJsonText } from './json-text.ts'
import { type Piece, pieceOf, type Room, writePiece } from './room.ts'
import type { Source } from './source.ts'
import { uidPrefix } from './uid.ts'
import type { RecordView } from './view.ts'

/** Writes unique ids as the inside of a JSON string. It remembers what all ids of a source share. */
export class UidWriter {
  #source: Source | undefined
  #prefix: Piece = pieceOf('')

  /**
   * Writes the unique id (`uid.ts`) of a record that has been walked; it takes 64 bytes at the most, and in logfebe-1 six
   * times the session id more.
   *
   * @returns the offset after the last byte
   */
  write(record: RecordView, out: Room, at: number): number {
    const { source, bytes, spans } = record
    if (source !== this.#source) {
      this.#source = source
      this.#prefix = pieceOf(uidPrefix(source))
    }
    at = writePiece(out, at, this.#prefix)
    if (record.sequenceStart === -1) {
      at = writeJsonText(out, at, record, spans[2 * Field.SessionId]!, spans[2 * Field.SessionId + 1]!)
      out.bytes[at] = 0x2d
      return writeInt64(out.bytes, at + 1, bytes, spans[2 * Field.SeqNum]!)
    }
    const sequence = record.sequenceStart + record.sequenceOffset
    if (sequence <= Number.MAX_SAFE_INTEGER) return writeNumber(out.bytes, at, sequence)
    return writePiece(out, at, pieceOf(String(record.sequence)))
  }
}
