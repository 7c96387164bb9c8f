/** What a program or library for Linux says of itself: which processor and which C library it is for. */
export interface Binary {
  /** As Node.js names it: `x64`, `arm64`; `other` for what this program is not made for. */
  readonly arch: 'x64' | 'arm64' | 'other'
  /** C library that loads it; undefined for a library, which names no loader. */
  readonly libc: 'glibc' | 'musl' | undefined
  /** Newest version of glibc that a function of it asks for, e.g. `2.34`; undefined when it asks for none. */
  readonly glibc: string | undefined
}

const MACHINES: Readonly<Record<number, Binary['arch']>> = { 62: 'x64', 183: 'arm64' }
const PT_INTERP = 3
const SHT_GNU_VERNEED = 0x6ffffffe

/** A section or segment: where its bytes are in the file. */
interface Part {
  readonly type: number
  readonly offset: number
  readonly size: number
  /** Section that holds its strings. */
  readonly link: number
}

/** Reads the tables of an ELF file; undefined when these bytes are none, are of 32 bits, or are damaged. */
export function readBinary(bytes: Uint8Array): Binary | undefined {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const isElf64 = file.getUint32(0) === 0x7f454c46 && file.getUint16(4) === 0x0201
    if (!isElf64) return undefined
    const arch = MACHINES[file.getUint16(18, true)] ?? 'other'
    const loader = segments(file).find(({ type }) => type === PT_INTERP)
    return { arch, libc: loader && libcOf(text(file, loader.offset)), glibc: newestGlibc(file) }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** -1, 0 or 1, as versions of numbers and dots are ordered. */
export function compareVersions(a: string, b: string): number {
  const others = b.split('.').map(Number)
  const steps = a.split('.').map((number, index) => Number(number) - (others[index] ?? 0))
  return Math.sign(steps.find((step) => step !== 0) ?? 0)
}

const libcOf = (loader: string): Binary['libc'] =>
  loader.includes('ld-musl') ? 'musl' : loader.includes('ld-linux') ? 'glibc' : undefined

/** Offsets beyond 2^53 are beyond any file, and so beyond the view. */
const word = (file: DataView, at: number): number => Number(file.getBigUint64(at, true))

/** Where the entries of a table begin, and how many there are: all of them, or it is damaged. */
function table(file: DataView, at: number, sizes: number): [start: number, size: number, count: number] {
  const [start, size, count] = [word(file, at), file.getUint16(sizes, true), file.getUint16(sizes + 2, true)]
  if (start + size * count > file.byteLength) throw new RangeError('the table is cut off')
  return [start, size, count]
}

function segments(file: DataView): Part[] {
  const [start, size, count] = table(file, 32, 54)
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size
    return { type: file.getUint32(at, true), offset: word(file, at + 8), size: word(file, at + 32), link: 0 }
  })
}

function sections(file: DataView): Part[] {
  const [start, size, count] = table(file, 40, 58)
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size
    return {
      type: file.getUint32(at + 4, true),
      offset: word(file, at + 24),
      size: word(file, at + 32),
      link: file.getUint32(at + 40, true),
    }
  })
}

/** Goes through the needed versions: libraries, and of each the versions that symbols are of. */
function newestGlibc(file: DataView): string | undefined {
  const all = sections(file)
  const needs = all.find(({ type }) => type === SHT_GNU_VERNEED)
  const strings = needs && all[needs.link]
  if (needs === undefined || strings === undefined) return undefined
  let newest: string | undefined
  const library = chain(file, needs.offset, 12)
  for (const need of library) {
    for (const version of chain(file, need + file.getUint32(need + 8, true), 12)) {
      const name = text(file, strings.offset + file.getUint32(version + 8, true))
      const found = /^GLIBC_(\d[\d.]*)$/.exec(name)?.[1]
      if (found !== undefined && compareVersions(found, newest ?? '0') > 0) newest = found
    }
  }
  return newest
}

/** Entries that each tell the distance to the next one; a damaged table ends after a thousand. */
function chain(file: DataView, first: number, distanceAt: number): number[] {
  const entries = [first]
  for (let at = first; entries.length < 1000; entries.push(at)) {
    const distance = file.getUint32(at + distanceAt, true)
    if (distance === 0) break
    at += distance
  }
  return entries
}

/** A string that ends with a zero; a damaged one after 256 bytes. */
function text(file: DataView, at: number): string {
  let length = 0
  while (length < 256 && file.getUint8(at + length) !== 0) length++
  return Buffer.from(file.buffer, file.byteOffset + at, length).toString('latin1')
}
