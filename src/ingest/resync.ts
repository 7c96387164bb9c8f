/** Bytes from a frame's type that tell whether a frame of the kind that can be recognised begins there. */
const SIGNATURE_BYTES = 16

/** Longest frame that is believed while looking for one: random bytes seldom make a short length. */
const MOST_BYTES = 64 * 1024 * 1024

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

/**
 * Looks for the next frame behind damaged bytes: a record, by the date that it begins with, or a `V` frame, by its
 * `PG-`. Other frames carry nothing by which they could be told from chance.
 */
export class Resync {
  #held: Uint8Array = new Uint8Array(0)

  /**
   * Takes the next bytes.
   *
   * @returns the bytes from the next frame on, or undefined when none has begun yet
   */
  push(chunk: Uint8Array): Uint8Array | undefined {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const last = bytes.length - SIGNATURE_BYTES
    for (let at = 0; at <= last; at++) {
      if (begins(bytes, at)) return bytes.subarray(at)
    }
    const keep = Math.min(bytes.length, SIGNATURE_BYTES - 1)
    this.#held = new Uint8Array(bytes.subarray(bytes.length - keep))
    return undefined
  }
}

function begins(bytes: Uint8Array, at: number): boolean {
  const type = bytes[at]
  if (type !== 0x4c && type !== 0x56) return false
  const length = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!
  if (length < SIGNATURE_BYTES - 1 || length > MOST_BYTES) return false
  return type === 0x4c
    ? isDate(bytes, at + 5)
    : bytes[at + 5] === 0x50 && bytes[at + 6] === 0x47 && bytes[at + 7] === 0x2d
}

/** `2026-03-01 `: the beginning of LogTime. */
function isDate(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) {
    if (i === 4 || i === 7 ? bytes[at + i] !== 0x2d : !isDigit(bytes[at + i]!)) return false
  }
  return bytes[at + 10] === 0x20
}
