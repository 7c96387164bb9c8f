import { Field, readInt32 } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import { fileEndIn, fileStartIn, splitAddress } from '../record/compound.ts'
import { writeInt32, writeInt64, writeNumber } from '../record/digits.ts'
import { type Duration, type DurationPhase, findDuration } from '../record/duration.ts'
import { type Room, roomOf } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import { conditionName } from '../record/sqlstate.ts'
import { type TraceContext, traceContextOf } from '../record/trace.ts'
import { uidOf, uidPrefix } from '../record/uid.ts'
import type { RecordView } from '../record/view.ts'

/** Numbers are written here first. */
const SCRATCH_BYTES = 128
/** The first part of a unique id in logfebe-2, its dash included. */
const BOOT_ID_BYTES = 17

const utf8 = new TextEncoder()
const constantOf = (text: string): Room => roomOf(utf8.encode(text))

const SEVERITY_TEXTS = SEVERITIES.map(constantOf)
const TRUE = constantOf('true')
const ZERO = 0x30

/** What the records of one source share. */
interface Shared {
  readonly source: Source
  readonly identity: Room
  readonly version: Room
}

const sharedOf = (source: Source): Shared => ({
  source,
  identity: constantOf(source.identity),
  version: constantOf(source.version.server),
})

/**
 * Values of a record by the keys of its canonical JSON, found one at a time where they lie: `from.bytes[start..end)` holds
 * the last one that was found, until the next one is looked for.
 *
 * Each finder returns whether the record has the value. Records have been walked, and are UTF-8.
 */
export class RecordValues {
  from: Room = TRUE
  start = 0
  end = 0
  readonly #scratch = roomOf(new Uint8Array(SCRATCH_BYTES))
  readonly #uid = roomOf(new Uint8Array(SCRATCH_BYTES))
  readonly #states = new Map<string, Room>()
  #shared: Shared | undefined
  #uidSource: Source | undefined
  // What several keys are made of, looked for once a record.
  #duration: Duration | undefined
  #durationKnown = false
  #trace: TraceContext | undefined
  #traceKnown = false

  /** The next record. */
  begin(): void {
    this.#durationKnown = false
    this.#traceKnown = false
  }

  text(record: RecordView, field: number): boolean {
    if (!record.has(field)) return false
    return this.#found(record, record.spans[2 * field]!, record.spans[2 * field + 1]!)
  }

  int32(record: RecordView, field: number): boolean {
    const { bytes } = this.#scratch
    return this.#found(this.#scratch, 0, writeInt32(bytes, 0, record.bytes, record.spans[2 * field]!))
  }

  int64(record: RecordView, field: number): boolean {
    const { bytes } = this.#scratch
    return this.#found(this.#scratch, 0, writeInt64(bytes, 0, record.bytes, record.spans[2 * field]!))
  }

  /** A cursor position or a process: what is not above zero is none. */
  positive(record: RecordView, field: number): boolean {
    return readInt32(record.bytes, record.spans[2 * field]!) > 0 && this.int32(record, field)
  }

  leader(record: RecordView): boolean {
    if (record.source.version.protocol === 1) return false
    return (
      readInt32(record.bytes, record.spans[2 * Field.LeaderPid]!) !== 0 && this.int32(record, Field.LeaderPid)
    )
  }

  host(record: RecordView): boolean {
    const { bytes, spans } = record
    const start = spans[2 * Field.ClientAddr]!
    if (start < 0) return false
    return this.#found(record, start, splitAddress(bytes, start, spans[2 * Field.ClientAddr + 1]!))
  }

  port(record: RecordView): boolean {
    const { bytes, spans } = record
    const start = spans[2 * Field.ClientAddr]!
    const end = spans[2 * Field.ClientAddr + 1]!
    const hostEnd = start < 0 ? end : splitAddress(bytes, start, end)
    return hostEnd !== end && this.#found(record, hostEnd + 1, end)
  }

  /** A part of the place in the source. */
  place(record: RecordView, part: 'function' | 'file' | 'line'): boolean {
    const { bytes, spans } = record
    const start = spans[2 * Field.FileErrPos]!
    if (start < 0) return false
    const end = spans[2 * Field.FileErrPos + 1]!
    const fileEnd = fileEndIn(bytes, start, end)
    if (part === 'line') return fileEnd !== end && this.#found(record, fileEnd + 1, end)
    const fileStart = fileStartIn(bytes, start, fileEnd)
    if (part === 'file') return this.#found(record, fileStart, fileEnd)
    return fileStart > start + 2 && this.#found(record, start, fileStart - 2)
  }

  severity(record: RecordView): boolean {
    return this.#constant(SEVERITY_TEXTS[record.severityRank()]!)
  }

  /** The SQLSTATE, unless it says success. */
  state(record: RecordView): boolean {
    return this.text(record, Field.SQLState) && !isZeros(this.from.bytes, this.start, this.end)
  }

  stateName(record: RecordView): boolean {
    if (!this.state(record)) return false
    const code = record.text(Field.SQLState)!
    let found = this.#states.get(code)
    if (found === undefined) {
      const name = conditionName(code)
      if (name === undefined) return false
      found = constantOf(name)
      // Only those that PostgreSQL names, so that nobody can grow this map.
      this.#states.set(code, found)
    }
    return this.#constant(found)
  }

  identity(record: RecordView): boolean {
    return this.#constant(this.#sharedBy(record).identity)
  }

  serverVersion(record: RecordView): boolean {
    return this.#constant(this.#sharedBy(record).version)
  }

  sequence(record: RecordView): boolean {
    if (record.sequenceStart === -1) return false
    const number = record.sequenceStart + record.sequenceOffset
    if (!(number <= Number.MAX_SAFE_INTEGER)) return this.#constant(constantOf(String(record.sequence)))
    return this.#found(this.#scratch, 0, writeNumber(this.#scratch.bytes, 0, number))
  }

  uid(record: RecordView): boolean {
    const sequence = record.sequenceStart + record.sequenceOffset
    if (record.sequenceStart === -1 || !(sequence <= Number.MAX_SAFE_INTEGER))
      return this.#constant(constantOf(uidOf(record)))
    const { bytes } = this.#uid
    if (this.#uidSource !== record.source) utf8.encodeInto(uidPrefix(record.source), bytes)
    this.#uidSource = record.source
    return this.#found(this.#uid, 0, writeNumber(bytes, BOOT_ID_BYTES, sequence))
  }

  /** The duration in milliseconds; only where it is about this phase, when one is given. */
  duration(record: RecordView, phase?: DurationPhase): boolean {
    if (!this.#durationKnown) this.#duration = findDuration(record)
    this.#durationKnown = true
    const duration = this.#duration
    if (duration === undefined || (phase !== undefined && duration.phase !== phase)) return false
    let { start } = duration
    while (record.bytes[start] === ZERO && record.bytes[start + 1] !== 0x2e) start++
    return this.#found(record, start, duration.end)
  }

  truncated(record: RecordView): boolean {
    return wasCut(record) && this.#constant(TRUE)
  }

  originalBytes(record: RecordView): boolean {
    return wasCut(record) && this.int64(record, Field.OriginalBytes)
  }

  trace(record: RecordView, part: keyof TraceContext): boolean {
    if (!this.#traceKnown) this.#trace = traceContextOf(record)
    this.#traceKnown = true
    return this.#trace !== undefined && this.#constant(constantOf(this.#trace[part]))
  }

  #sharedBy({ source }: RecordView): Shared {
    if (this.#shared?.source !== source) this.#shared = sharedOf(source)
    return this.#shared!
  }

  #constant(text: Room): boolean {
    return this.#found(text, 0, text.bytes.length)
  }

  #found(from: Room, start: number, end: number): true {
    this.from = from
    this.start = start
    this.end = end
    return true
  }
}

function isZeros(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 5) return false
  for (let i = start; i < end; i++) if (bytes[i] !== ZERO) return false
  return true
}

const wasCut = (record: RecordView): boolean =>
  record.source.version.protocol === 2 && (readInt32(record.bytes, record.spans[2 * Field.Flags]!) & 1) !== 0
