import { decodeDropped, decodeIdentity, decodeRing, decodeVersionText } from '../../src/codec/control.ts'
import { FRAME_HEADER_BYTES, FrameDecoder, FrameType } from '../../src/codec/frame.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import { parseVersion } from '../../src/codec/version.ts'
import { JsonEncoder } from '../../src/record/json.ts'
import { roomOf } from '../../src/record/room.ts'
import { makeSource, type Source } from '../../src/record/source.ts'
import { RecordView } from '../../src/record/view.ts'

/** Records for tests: from fields, or from a stream of frames. */

/** What stands around a record's fields. */
export interface Surroundings {
  readonly server?: string
  readonly protocol?: 1 | 2
  readonly identity?: string
  readonly bootId?: bigint
  readonly sequence?: bigint
}

/** The source of such records. */
export function sourceOf(around: Surroundings = {}): Source {
  const { server = '15.20', protocol = 2, identity = 'shop', bootId } = around
  const version = parseVersion(`PG-${server}/logfebe-${protocol}`)
  if (version === undefined) throw new Error(`no version: ${server}`)
  return makeSource(version, identity, bootId)
}

/** A walked view on a record with these fields. */
export function recordOf(fields: LogFields, around: Surroundings = {}): RecordView {
  const record = new RecordView()
  record.source = sourceOf(around)
  record.sequenceBase = around.sequence ?? -1n
  const frame = encodeLog(fields, record.source.version.protocol)
  record.reset(frame, FRAME_HEADER_BYTES, frame.length)
  if (!record.walk()) throw new Error('the record is malformed')
  return record
}

/** Reads a stream as a listener would and hands out each record, walked. */
export function eachRecord(stream: Uint8Array, take: (record: RecordView) => void): void {
  const record = new RecordView()
  const decoder = new FrameDecoder()
  decoder.push(stream, (type, bytes, start, end) => {
    if (type === FrameType.Version) {
      const version = parseVersion(decodeVersionText(bytes, start, end)!)!
      record.source = makeSource(version, '')
      record.sequenceBase = -1n
    } else if (type === FrameType.Identity) {
      const identity = Buffer.from(decodeIdentity(bytes, start, end)!).toString()
      record.source = makeSource(record.source.version, identity)
    } else if (type === FrameType.Ring) {
      const { bootId, nextSequence } = decodeRing(bytes, start, end)!
      record.source = makeSource(record.source.version, record.source.identity, bootId)
      record.sequenceBase = nextSequence
      record.sequenceOffset = 0
    } else if (type === FrameType.Dropped) {
      const { firstSequence, count } = decodeDropped(bytes, start, end)!
      record.sequenceBase = firstSequence + count
      record.sequenceOffset = 0
    } else if (type === FrameType.Record) {
      record.reset(bytes, start, end)
      if (!record.walk()) throw new Error(`the record at ${decoder.offset} is malformed`)
      take(record)
      record.sequenceOffset++
    }
  })
  decoder.end()
}

const GUARD = 0xa5
const BEFORE = 24
const BEHIND = 64

/**
 * The record as JSON. It is written between guard bytes, and once more into a buffer that ends where its room ends; both
 * must leave everything outside of the room alone.
 */
export function jsonOf(record: RecordView, encoder = new JsonEncoder()): string {
  const room = encoder.room(record)
  const bytes = new Uint8Array(BEFORE + room + BEHIND).fill(GUARD)
  const end = encoder.encode(record, roomOf(bytes), BEFORE)
  if (end > BEFORE + room) throw new Error(`took ${end - BEFORE} bytes of a room of ${room}`)
  const outside = [...bytes.subarray(0, BEFORE), ...bytes.subarray(BEFORE + room)]
  if (outside.some((byte) => byte !== GUARD)) throw new Error('bytes outside of the room were written')
  const exact = new Uint8Array(BEFORE + room)
  const again = encoder.encode(record, roomOf(exact), BEFORE)
  const json = bytes.subarray(BEFORE, end)
  if (Buffer.compare(json, exact.subarray(BEFORE, again)) !== 0) throw new Error('the second time differs')
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json)
}
