import { Field } from '../codec/fields.ts'
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

/** Makes of a record's frame another one in which a pass has written the text fields. */
export class FrameRewriter {
  readonly out = new Output()
  readonly #view = new RecordView()

  /** The record as the pass leaves it; valid until the next call. The given one has been walked, and so has this. */
  rewrite(record: RecordView, pass: RedactionPass): RecordView {
    const { bytes, words, spans, start, end } = record
    const { out } = this
    out.begin(2 * (end - start) + FRAME_HEADER_BYTES + 64 * FIELDS.length)
    out.length = FRAME_HEADER_BYTES
    pass.begin(record)
    let copied = start
    for (const field of FIELDS) {
      const from = spans[2 * field]!
      const to = spans[2 * field + 1]!
      if (from < 0 || from === to) continue
      out.copyLong(bytes, words, copied, from)
      const written = out.length
      pass.write(field, bytes, from, to)
      copied = to
      if (field === Field.InternalQuery || field === Field.UserQuery) {
        if (!isSame(bytes, from, to, out.bytes, written, out.length)) copied = this.#noPosition(to)
      }
    }
    out.copyLong(bytes, words, copied, end)
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
    view.reset(bytes, FRAME_HEADER_BYTES, length)
    view.walk()
    return view
  }
}

function isSame(a: Uint8Array, from: number, to: number, b: Uint8Array, start: number, end: number): boolean {
  if (to - from !== end - start) return false
  for (let i = from, j = start; i < to; i++, j++) if (a[i] !== b[j]) return false
  return true
}
