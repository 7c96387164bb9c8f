import { promisify } from 'node:util'
import { gunzip as gunzipCallback, gzip as gzipCallback } from 'node:zlib'
import { encodeRing } from '../codec/control.ts'
import { FRAME_HEADER_BYTES, FrameType } from '../codec/frame.ts'
import type { Group } from './group.ts'
import type { ObjectFormat } from './name.ts'

const gzip = promisify(gzipCallback)
const gunzip = promisify(gunzipCallback)

/** An `R` frame. */
const RING_BYTES = 32

const isFrames = (format: ObjectFormat): boolean => format.startsWith('febe')

/** Bytes that `writeContents` may write for some records of a group. */
export function contentsRoom({ envelopes, source }: Group, members: readonly number[]): number {
  let bytes = source.frames.length
  for (const index of members) bytes += envelopes.end(index) - envelopes.body(index) + RING_BYTES
  return bytes
}

/**
 * An object before it is compressed: lines, or a dump that is whole by itself.
 *
 * @param out with room for it; what is returned is a part of it
 */
export function writeContents(
  { envelopes, source }: Group,
  members: readonly number[],
  format: ObjectFormat,
  out: Buffer,
): Buffer {
  const { frames, bootId } = source
  const { bytes } = envelopes
  let at = isFrames(format) ? frames.copy(out) : 0
  let due = -1
  for (const index of members) {
    if (isFrames(format) && bootId !== undefined) {
      const sequence = envelopes.sequence(index)
      if (sequence !== due && sequence >= 0)
        at += Buffer.from(encodeRing({ bootId, nextSequence: BigInt(sequence) })).copy(out, at)
      due = sequence + 1
    }
    at += bytes.copy(out, at, envelopes.body(index), envelopes.end(index))
  }
  return out.subarray(0, at)
}

/** The same in a buffer of its own. */
export const contentsOf = (group: Group, members: readonly number[], format: ObjectFormat): Buffer =>
  writeContents(group, members, format, Buffer.allocUnsafe(contentsRoom(group, members)))

/** Compresses off the main thread, as the end of the object's name says. */
export async function packed(contents: Buffer, format: ObjectFormat): Promise<Uint8Array> {
  if (format.endsWith('.gz')) return gzip(contents, { level: 1 })
  return format.endsWith('.zst') ? Bun.zstdCompress(contents as Buffer<ArrayBuffer>, { level: 1 }) : contents
}

/** The contents of an object. */
export async function unpacked(bytes: Uint8Array, format: ObjectFormat): Promise<Buffer> {
  if (format.endsWith('.gz')) return gunzip(bytes)
  const plain = bytes as Uint8Array<ArrayBuffer>
  return format.endsWith('.zst') ? Buffer.from(await Bun.zstdDecompress(plain)) : Buffer.from(plain)
}

const UID = Buffer.from(',"uid":"')

/**
 * Tells records apart: a number for each record of some contents, in their order. The same record has the same number
 * whenever and by whichever version of this program it was written.
 */
export const marksOf = (contents: Buffer, format: ObjectFormat): bigint[] =>
  isFrames(format) ? marksOfFrames(contents) : marksOfLines(contents)

/** A text inside of a JSON line has its quotation marks escaped: what looks like the key is the key. */
function marksOfLines(contents: Buffer): bigint[] {
  const marks: bigint[] = []
  for (let at = 0; at < contents.length; ) {
    const end = contents.indexOf(0x0a, at)
    if (end < 0) break
    const uid = contents.indexOf(UID, at) + UID.length
    const line = contents.subarray(at, end)
    const named = uid > UID.length && uid < end
    marks.push(markOf(named ? contents.subarray(uid, contents.indexOf(0x22, uid)) : line))
    at = end + 1
  }
  return marks
}

function marksOfFrames(contents: Buffer): bigint[] {
  const marks: bigint[] = []
  for (let at = 0; at + FRAME_HEADER_BYTES <= contents.length; ) {
    const end = at + 1 + contents.readInt32BE(at + 1)
    if (end <= at || end > contents.length) break
    if (contents[at] === FrameType.Record) marks.push(markOf(contents.subarray(at, end)))
    at = end
  }
  return marks
}

const markOf = (bytes: Uint8Array): bigint => BigInt(Bun.hash(bytes as Uint8Array<ArrayBuffer>))
