import { readInt32, readInt64 } from './fields.ts'
import { encodeFrame, FrameType } from './frame.ts'
import { PayloadWriter } from './payload.ts'
import { formatVersion, type Version } from './version.ts'

/** `R`: the ring behind a logfebe-2 connection, and the oldest sequence that it still holds. */
export interface Ring {
  readonly bootId: bigint
  readonly nextSequence: bigint
}

/** `A`: everything of this boot up to `sequence` is durable; -1 when nothing is known of the boot id. */
export interface Acknowledgement {
  readonly bootId: bigint
  readonly sequence: bigint
}

/** `D`: records that the sender did not keep, in their place in the order. */
export interface Dropped {
  readonly firstSequence: bigint
  readonly count: bigint
  /** Raw elevel, in the server's own numbering; -1: they were of any. */
  readonly elevel: number
  /** `queue_full` or `writer_died`. */
  readonly reason: string
}

/** `K`: closes a run of records in a journal segment. */
export interface Checkpoint {
  /** Position of the first record since the previous checkpoint. */
  readonly position: bigint
  readonly records: number
  /** CRC32C of every byte since the previous checkpoint, or the file's start, up to this frame. */
  readonly crc32c: number
  /** Microseconds since 1970-01-01 UTC. */
  readonly timeMicros: bigint
}

/** `S`: where in the journal a live stream goes on, and what it leaves out in front of that. */
export interface Place {
  /** Position of the next record. */
  readonly position: bigint
  /** Records right before it that are not in the stream. */
  readonly skipped: bigint
  /** Why: `slow`, `retention` or `damaged`; empty where none are skipped. */
  readonly reason: string
}

const utf8 = new TextDecoder()

/** Bytes of the CString at `at`, in place; undefined when it does not end inside the payload. */
function cString(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  const payload = bytes.subarray(at, end)
  const nul = payload.indexOf(0)
  return nul < 0 ? undefined : payload.subarray(0, nul)
}

/** Text of the CString at `at`; undefined when it does not end inside the payload. */
function cText(bytes: Uint8Array, at: number, end: number): string | undefined {
  const found = cString(bytes, at, end)
  return found === undefined ? undefined : utf8.decode(found)
}

/** Text of a `V` payload: CString. Undefined when it has no NUL. */
export function decodeVersionText(bytes: Uint8Array, start: number, end: number): string | undefined {
  return cText(bytes, start, end)
}

/** A `V` frame. */
export function encodeVersion(version: Pick<Version, 'server' | 'protocol'>): Uint8Array {
  return encodeFrame(FrameType.Version, new PayloadWriter().string(formatVersion(version)).finish())
}

/**
 * Bytes of an `I` payload's identity: CString.
 *
 * The original senders put stray bytes after the NUL; they are never looked at. Undefined when there is no NUL.
 */
export function decodeIdentity(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  return cString(bytes, start, end)?.slice()
}

/** An `I` frame. */
export function encodeIdentity(identity: string): Uint8Array {
  return encodeFrame(FrameType.Identity, new PayloadWriter().string(identity).finish())
}

/** `R` payload: Int64 boot id, Int64 next sequence. Undefined when it is too short. */
export function decodeRing(bytes: Uint8Array, start: number, end: number): Ring | undefined {
  if (end - start < 16) return undefined
  return { bootId: readInt64(bytes, start), nextSequence: readInt64(bytes, start + 8) }
}

/** An `R` frame. */
export function encodeRing(ring: Ring): Uint8Array {
  const payload = new PayloadWriter().int64(ring.bootId).int64(ring.nextSequence)
  return encodeFrame(FrameType.Ring, payload.finish())
}

/** `A` payload: Int64 boot id, Int64 sequence. Undefined when it is too short. */
export function decodeAcknowledgement(
  bytes: Uint8Array,
  start: number,
  end: number,
): Acknowledgement | undefined {
  if (end - start < 16) return undefined
  return { bootId: readInt64(bytes, start), sequence: readInt64(bytes, start + 8) }
}

/** An `A` frame. */
export function encodeAcknowledgement(acknowledgement: Acknowledgement): Uint8Array {
  const payload = new PayloadWriter().int64(acknowledgement.bootId).int64(acknowledgement.sequence)
  return encodeFrame(FrameType.Acknowledge, payload.finish())
}

/** `D` payload: Int64 first sequence, Int64 count, Int32 elevel, CString reason. Undefined when malformed. */
export function decodeDropped(bytes: Uint8Array, start: number, end: number): Dropped | undefined {
  if (end - start < 21) return undefined
  const reason = cText(bytes, start + 20, end)
  const count = readInt64(bytes, start + 8)
  if (reason === undefined || count < 0n) return undefined
  return { firstSequence: readInt64(bytes, start), count, elevel: readInt32(bytes, start + 16), reason }
}

/** A `D` frame. */
export function encodeDropped(dropped: Dropped): Uint8Array {
  const payload = new PayloadWriter().int64(dropped.firstSequence).int64(dropped.count)
  return encodeFrame(FrameType.Dropped, payload.int32(dropped.elevel).string(dropped.reason).finish())
}

/** An `H` frame: alive. */
export function encodeHeartbeat(): Uint8Array {
  return encodeFrame(FrameType.Heartbeat, new Uint8Array(0))
}

/** `K` payload: Int64 position, Int32 records, UInt32 CRC32C, Int64 time. Undefined when it is too short. */
export function decodeCheckpoint(bytes: Uint8Array, start: number, end: number): Checkpoint | undefined {
  if (end - start < 24) return undefined
  return {
    position: readInt64(bytes, start),
    records: readInt32(bytes, start + 8),
    crc32c: readInt32(bytes, start + 12) >>> 0,
    timeMicros: readInt64(bytes, start + 16),
  }
}

/** A `K` frame. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const payload = new PayloadWriter().int64(checkpoint.position).int32(checkpoint.records)
  payload.int32(checkpoint.crc32c | 0).int64(checkpoint.timeMicros)
  return encodeFrame(FrameType.Checkpoint, payload.finish())
}

/** `S` payload: Int64 position, Int64 skipped, CString reason. Undefined when malformed. */
export function decodePlace(bytes: Uint8Array, start: number, end: number): Place | undefined {
  if (end - start < 17) return undefined
  const reason = cText(bytes, start + 16, end)
  const place = { position: readInt64(bytes, start), skipped: readInt64(bytes, start + 8) }
  return reason === undefined || place.position < 0n || place.skipped < 0n ? undefined : { ...place, reason }
}

/** An `S` frame. */
export function encodePlace(place: Place): Uint8Array {
  const payload = new PayloadWriter().int64(place.position).int64(place.skipped).string(place.reason)
  return encodeFrame(FrameType.Place, payload.finish())
}
