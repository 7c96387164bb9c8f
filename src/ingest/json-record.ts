import { encodeIdentity, encodeVersion } from '../codec/control.ts'
import { FRAME_HEADER_BYTES, FrameType } from '../codec/frame.ts'
import { PayloadWriter } from '../codec/payload.ts'
import { elevelOf, parseSeverity, SEVERITIES } from '../codec/severity.ts'
import { parseVersion, type Version } from '../codec/version.ts'
import { InputError } from '../errors.ts'
import { fnv1aHex } from '../fnv1a.ts'
import { JsonMembers, malformed } from './json-members.ts'
import { jsonTimes } from './json-times.ts'

/**
 * Frames of a record that was written as pgturret's JSON, so that it can be sent on like any other.
 *
 * Written as JSON again it gives the same bytes. What JSON does not say, the frames cannot say either: microseconds below
 * a millisecond, text that was not UTF-8 as it was, and which of two ways an absent value had (a state of 00000, a
 * position of 0).
 */

/** Keys that only records of logfebe-2 have, the first of which all of them have. */
const LATER_KEYS = [
  'query_id',
  'seq',
  'backend_type',
  'leader_pid',
  'message_id',
  'schema_name',
  'table_name',
  'column_name',
  'data_type_name',
  'constraint_name',
  'backtrace',
  'original_bytes',
]

/** The state of success, which JSON leaves out. */
const SUCCESS = '00000'
/** A raw elevel that no version has. */
const NO_ELEVEL = 0
const NO_POSITION = -1
const TRUNCATED = 1
/** Of an `R` frame, which holds two int64. */
const RING_HEADER = Uint8Array.of(FrameType.Ring, 0, 0, 0, 4 + 2 * 8)
/** Of an `L` frame; its length is written when it is known. */
const RECORD_HEADER = Uint8Array.of(FrameType.Record, ...new Array(FRAME_HEADER_BYTES - 1).fill(0))

/** Makes frames of texts. It remembers what neighbours share, so keep one per run of records. */
export class JsonFrames {
  readonly #members = new JsonMembers()
  readonly #out = new PayloadWriter()
  #server = ''
  #identity: string | undefined
  #protocol: 1 | 2 = 2
  #preamble: Uint8Array = new Uint8Array(0)
  #version!: Version

  /**
   * The record of one JSON text as a dump of its own: `V` `I` (`R`) `L`. It is valid until the next call.
   *
   * @param eventMs when it happened, in milliseconds since 1970, where something beside the text knows: the text's time
   *   zone may mean nothing outside of its server
   * @throws InputError `malformed_record` when it is no JSON object or a value is not what its key stands for,
   *   `unexpected_frame` when it is JSON of something else
   */
  dump(text: Uint8Array, eventMs?: number): Uint8Array {
    const members = this.#members
    members.read(text)
    const identity = members.required('identity')
    const protocol = LATER_KEYS.some((key) => members.has(key)) ? 2 : 1
    const preamble = this.#preambleFor(members.required('server_version'), identity, protocol)
    const ring = protocol === 2 ? ringOf(members) : undefined
    if (ring === undefined) refuseOtherUid(members, identity)
    const out = this.#out
    out.clear()
    out.bytes(preamble)
    if (ring !== undefined) out.bytes(RING_HEADER).int64(ring.bootId).int64(ring.nextSequence)
    const frame = out.length
    out.bytes(RECORD_HEADER)
    writeFields(out, members, this.#version.major)
    if (protocol === 2) writeLaterFields(out, members, eventMs)
    return withLength(out.written(), frame)
  }

  #preambleFor(server: string, identity: string, protocol: 1 | 2): Uint8Array {
    if (server === this.#server && identity === this.#identity && protocol === this.#protocol)
      return this.#preamble
    const version = parseVersion(`PG-${server}/logfebe-${protocol}`)
    if (version === undefined) throw malformed('"server_version" is no version of PostgreSQL')
    this.#version = version
    this.#server = server
    this.#identity = identity
    this.#protocol = protocol
    this.#preamble = Buffer.concat([encodeVersion(version), encodeIdentity(identity)])
    return this.#preamble
  }
}

/** Writes the length of the last frame of `dump`, which begins at `at`. */
function withLength(dump: Uint8Array, at: number): Uint8Array {
  const length = dump.length - at - 1
  for (let i = 0; i < 4; i++) dump[at + 1 + i] = length >>> (24 - 8 * i)
  return dump
}

/** The fields of both protocols, in their order; what is no nullable field is empty or 0 where it is absent. */
function writeFields(payload: PayloadWriter, members: JsonMembers, major: number): void {
  payload
    .string(members.required('timestamp'))
    .nullable(members.text('user'))
    .nullable(members.text('dbname'))
  payload
    .int32(members.int32('pid', 0))
    .nullable(addressOf(members))
    .string(members.text('session_id') ?? '')
  payload.int64(members.int64('line_num')).nullable(members.text('ps'))
  payload.string(members.text('session_start') ?? '').nullable(members.text('vxid'))
  payload.int64(members.int64('txid')).int32(elevelIn(members.required('error_severity'), major))
  payload.nullable(members.text('state_code') ?? SUCCESS).nullable(members.text('message'))
  payload.nullable(members.text('detail')).nullable(members.text('hint'))
  payload.nullable(members.text('internal_query')).int32(members.int32('internal_position', NO_POSITION))
  payload.nullable(members.text('context')).nullable(members.text('statement'))
  payload.int32(members.int32('cursor_position', NO_POSITION)).nullable(placeOf(members))
  payload.nullable(members.text('application_name'))
}

/** The fields of logfebe-2 behind them. */
function writeLaterFields(payload: PayloadWriter, members: JsonMembers, eventMs: number | undefined): void {
  const times = jsonTimes(members.text('timestamp')!, members.text('session_start') ?? '', eventMs)
  payload.int64(times.logged).int64(times.sessionStart).nullable(members.text('backend_type'))
  payload.int32(members.int32('leader_pid', 0)).int64(members.int64('query_id'))
  for (const key of ['message_id', 'schema_name', 'table_name', 'column_name', 'data_type_name'])
    payload.nullable(members.text(key))
  payload.nullable(members.text('constraint_name')).nullable(members.text('backtrace')).string('UTF8')
  payload.int32(members.isTrue('truncated') ? TRUNCATED : 0).int64(members.int64('original_bytes'))
}

function elevelIn(severity: string, major: number): number {
  const rank = parseSeverity(severity)
  if (rank !== undefined) return elevelOf(major, SEVERITIES[rank] as Parameters<typeof elevelOf>[1])
  if (severity === 'UNKNOWN') return NO_ELEVEL
  throw new InputError('unexpected_frame', '"error_severity" is none of PostgreSQL', 0)
}

/** `host:port`, as the frame has it. */
function addressOf(members: JsonMembers): string | null {
  const host = members.text('remote_host')
  const port = members.int32('remote_port', -1)
  return host === null || port < 0 ? host : `${host}:${port}`
}

/** `function, file:line`, as the frame has it. */
function placeOf(members: JsonMembers): string | null {
  const file = members.text('file_name')
  if (file === null) return null
  const name = members.text('func_name')
  const line = members.int32('file_line_num', -1)
  return `${name === null ? '' : `${name}, `}${file}${line < 0 ? '' : `:${line}`}`
}

const RING_UID = /^([0-9a-f]{16})-(\d{1,19})$/

/** The ring that a record of logfebe-2 comes from, and its place in it, as its unique id says. */
function ringOf(members: JsonMembers): { bootId: bigint; nextSequence: bigint } | undefined {
  const found = RING_UID.exec(members.text('uid') ?? '')
  if (found === null) return undefined
  const sequence = BigInt(found[2]!)
  if (BigInt.asIntN(64, sequence) !== sequence) throw malformed('"uid" is no id of a record')
  if (members.has('seq') && members.int64('seq') !== sequence) throw malformed('"seq" and "uid" do not agree')
  return { bootId: BigInt(`0x${found[1]!}`), nextSequence: sequence }
}

/**
 * Without a ring the id is made from other fields. Where one of those was left out or changed, the record would get
 * another id than its copies elsewhere.
 */
function refuseOtherUid(members: JsonMembers, identity: string): void {
  const uid = members.text('uid')
  if (uid === null) return
  const own = `${fnv1aHex(identity)}-${members.text('session_id') ?? ''}-${members.int64('line_num')}`
  if (uid !== own) throw malformed('"uid" does not belong to "identity", "session_id" and "line_num"')
}
