/**
 * What PostgreSQL compares before it loads a module: version, limits that were compiled in, and whose PostgreSQL it is. A module
 * and the server itself hold it as the same bytes, so that they can be compared without loading anything.
 */
export interface Magic {
  readonly major: number
  /** Most arguments of a function, most columns of an index, bytes of a name, and whether 8-byte numbers go by value. */
  readonly limits: string
  /** `PostgreSQL`, or what a vendor put there; empty before 15, which does not say it. */
  readonly vendor: string
}

const NUMBERS = 5
const VENDOR_BYTES = 32
const FIRST_WITH_VENDOR = 15

/** Everything in a program or module that looks like it, for these major versions; as a rule it is in there once. */
export function magicsOf(bytes: Uint8Array, majors: readonly number[]): Magic[] {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wanted = new Set(majors.map((major) => major * 100))
  const last = bytes.length - NUMBERS * 4 - VENDOR_BYTES
  const found: Magic[] = []
  // The compiler aligns the numbers, and the file keeps the alignment.
  for (let at = 0; at <= last; at += 4) {
    if (wanted.has(file.getInt32(at, true)) && isPlausible(file, at)) found.push(magicAt(file, at))
  }
  return found
}

/** Limits as people set them: other numbers after a number like 1500 are something else. */
function isPlausible(file: DataView, at: number): boolean {
  const number = (index: number) => file.getInt32(at + index * 4, true)
  const between = (value: number, least: number, most: number) => value >= least && value <= most
  const named = between(number(3), 32, 1024) && number(3) % 8 === 0
  return between(number(1), 8, 2048) && between(number(2), 8, 1024) && named && between(number(4), 0, 1)
}

function magicAt(file: DataView, at: number): Magic {
  const major = file.getInt32(at, true) / 100
  const limits = Array.from({ length: NUMBERS - 1 }, (_, index) => file.getInt32(at + (index + 1) * 4, true))
  const text = Buffer.from(file.buffer, file.byteOffset + at + NUMBERS * 4, VENDOR_BYTES).toString('latin1')
  const vendor = major < FIRST_WITH_VENDOR ? '' : text.slice(0, Math.max(0, text.indexOf('\0')))
  return { major, limits: limits.join(', '), vendor }
}
