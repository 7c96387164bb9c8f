/** Bytes seen two ways: one by one, and as unaligned words. Make one for a buffer, not one for a call. */
export interface Room {
  readonly bytes: Uint8Array
  readonly words: DataView
}

/** Both views of the same bytes. */
export function roomOf(bytes: Uint8Array): Room {
  return { bytes, words: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}

/** A short constant text, kept as words for a fast copy. */
export interface Piece {
  readonly length: number
  /** Little-endian words; the last is filled up with zeros. */
  readonly words: Int32Array
}

/** Bytes that `writePiece` may touch behind the offset that it returns. */
export const PIECE_OVERSHOOT = 3

const utf8 = new TextEncoder()

/** Prepares a constant text. */
export const pieceOf = (text: string): Piece => pieceOfBytes(utf8.encode(text))

/** Prepares constant bytes. */
export function pieceOfBytes(bytes: Uint8Array): Piece {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  const words = Int32Array.from({ length: padded.length / 4 }, (_, i) => view.getInt32(4 * i, true))
  return { length: bytes.length, words }
}

/** A piece's bytes. */
export const bytesOf = ({ words, length }: Piece): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, length)

/** Pieces as one. */
export function joined(pieces: readonly Piece[]): Piece {
  return pieceOfBytes(Buffer.concat(pieces.map(bytesOf)))
}

/** Writes a piece at `at`, in whole words; returns the offset after its last byte. */
export function writePiece(out: Room, at: number, piece: Piece): number {
  const { words } = piece
  const target = out.words
  for (let i = 0; i < words.length; i++) target.setInt32(at + 4 * i, words[i]!, true)
  return at + piece.length
}
