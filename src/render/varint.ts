/** Numbers as Kafka's records hold them: zigzag, seven bits a byte, the lowest first. */

/** Bytes of a varint of 32 bits. */
export function varintLength(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5
}

/** Writes a varint of 32 bits; returns the offset after it. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest >= 0x80; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80
  out[at] = rest
  return at + 1
}

/** Bytes of a varint of 64 bits, for whole numbers that a number holds exactly. */
export function varlongLength(value: number): number {
  let length = 1
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** Writes a varint of 64 bits, for whole numbers from -2^52 to 2^52; returns the offset after it. */
export function writeVarlong(out: Uint8Array, at: number, value: number): number {
  let rest = zigzag(value)
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out[at++] = (rest % 0x80) | 0x80
  out[at] = rest
  return at + 1
}

const zigzag = (value: number): number => (value >= 0 ? 2 * value : -2 * value - 1)
