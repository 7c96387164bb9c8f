import { FIELD_COUNT, Field } from '../codec/fields.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import { RecordView } from '../record/view.ts'
import { Output } from './output.ts'

/** Writes the text fields of a record anew. */
export interface RedactionPass {
  /** A record begins; it has been walked. */
  begin(record: RecordView): void
  /** Writes `bytes[start..end)`, a field's text, to the output that the pass was made for; not longer than twice as long, and 64. */
  write(field: number, bytes: Uint8Array, start: number, end: number): void
}

/** Fields that hold statements, values of their parameters, or pieces of either. In wire order. */
const FIELDS = [
  Field.ErrMessage,
  Field.ErrDetail,
  Field.ErrHint,
  Field.InternalQuery,
  Field.ErrContext,
  Field.UserQuery,
]
const NOT_A_POSITION = 0xff
const NONE = -1

/** Makes of a record's frame another one in which a pass has written the text fields. */
export class FrameRewriter {
  readonly out = new Output()
  readonly #view = new RecordView()
  /** Fields that were written anew, and where each ends now. */
  readonly #written = new Int32Array(FIELDS.length + 1)
  readonly #ends = new Int32Array(FIELDS.length)

  /** The record as the pass leaves it; valid until the next call. The given one has been walked, and so has this. */
  rewrite(record: RecordView, pass: RedactionPass): RecordView {
    const { bytes, words, spans, start, end } = record
    const { out } = this
    out.begin(2 * (end - start) + FRAME_HEADER_BYTES + 64 * FIELDS.length)
    out.length = FRAME_HEADER_BYTES
    pass.begin(record)
    let copied = start
    let count = 0
    for (const field of FIELDS) {
      const from = spans[2 * field]!
      const to = spans[2 * field + 1]!
      if (from < 0 || from === to) continue
      out.copyLong(bytes, words, copied, from)
      const written = out.length
      pass.write(field, bytes, from, to)
      copied = to
      this.#written[count] = field
      this.#ends[count++] = out.length
      if (field === Field.InternalQuery || field === Field.UserQuery) {
        if (!isSame(bytes, from, to, out.bytes, written, out.length)) copied = this.#noPosition(to)
      }
    }
    out.copyLong(bytes, words, copied, end)
    this.#written[count] = NONE
    return this.#viewOf(record)
  }

  /** A position in a statement that has changed points at something else: NUL of the statement, then none. */
  #noPosition(to: number): number {
    const { out } = this
    out.byte(0)
    for (let i = 0; i < 4; i++) out.byte(NOT_A_POSITION)
    return to + 5
  }

  #viewOf(record: RecordView): RecordView {
    const { bytes, length } = this.out
    const size = length - FRAME_HEADER_BYTES + 4
    bytes[0] = 0x4c
    bytes[1] = size >>> 24
    bytes[2] = size >>> 16
    bytes[3] = size >>> 8
    bytes[4] = size
    const view = this.#view
    if (view.source !== record.source) view.source = record.source
    // Bigints are slow to set: only where they are others, which beyond what a number holds nobody can tell.
    if (view.sequenceStart !== record.sequenceStart) view.sequenceBase = record.sequenceBase
    view.sequenceOffset = record.sequenceOffset
    this.#moveSpans(record)
    view.resetWalked(bytes, FRAME_HEADER_BYTES, length, record.surplusBytes)
    return view
  }

  /** Where the fields lie now: to find them by another walk would cost more than to write them. */
  #moveSpans({ spans, start, source }: RecordView): void {
    const moved = this.#view.spans
    let shift = FRAME_HEADER_BYTES - start
    let next = 0
    for (let i = 0; i < 2 * FIELD_COUNT[source.version.protocol]; i += 2) {
      const from = spans[i]!
      if (from < 0) {
        moved[i] = -1
        moved[i + 1] = -1
        continue
      }
      moved[i] = from + shift
      if (2 * this.#written[next]! === i) shift = this.#ends[next++]! - spans[i + 1]!
      moved[i + 1] = spans[i + 1]! + shift
    }
  }
}

function isSame(a: Uint8Array, from: number, to: number, b: Uint8Array, start: number, end: number): boolean {
  if (to - from !== end - start) return false
  for (let i = from, j = start; i < to; i++, j++) if (a[i] !== b[j]) return false
  return true
}
