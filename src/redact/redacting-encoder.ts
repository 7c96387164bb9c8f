import type { Dropped } from '../codec/control.ts'
import type { Room } from '../record/room.ts'
import type { Run, RunRendered } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder, Encoding } from '../render/encoder.ts'
import { RecordRedactor } from './record-redactor.ts'
import { isNone, isOnlyPasswords, type Redaction, redactionName } from './redaction.ts'

/** The encoding of records without what a redaction leaves out; whatever the format, it never sees them otherwise. */
export function redactedEncoding(encoding: Encoding, redaction: Redaction): Encoding {
  if (isNone(redaction)) return encoding
  const name = `${encoding.name}${redactionName(redaction)}`
  return { name, encoder: () => new RedactingEncoder(encoding.encoder(), redaction) }
}

/** Hands records on to another encoder, redacted. */
class RedactingEncoder implements Encoder {
  readonly #inner: Encoder
  readonly #redactor: RecordRedactor
  readonly encodeDropped?: (dropped: Dropped, source: Source) => Uint8Array
  readonly encodeRun?: (run: Run, out: Room, at: number) => RunRendered | undefined
  /** What `room` made of the record that `encode` is going to get. */
  #redacted: RecordView | undefined
  #bytes: Uint8Array | undefined
  #start = -1

  constructor(inner: Encoder, redaction: Redaction) {
    this.#inner = inner
    this.#redactor = new RecordRedactor(redaction)
    // A format that has no word for dropped records is asked for none.
    if (inner.encodeDropped !== undefined)
      this.encodeDropped = (dropped, source) => inner.encodeDropped!(dropped, source)
    // Passwords are in few records, which are told from the rest; everything else would have to be looked for in each.
    if (inner.encodeRun !== undefined && isOnlyPasswords(redaction))
      this.encodeRun = (run, out, at) => inner.encodeRun!({ ...run, sparesPasswords: true }, out, at)
  }

  begin(): void {
    this.#inner.begin?.()
  }

  room(record: RecordView): number {
    const redacted = this.#redactor.redact(record)
    this.#redacted = redacted
    this.#bytes = record.bytes
    this.#start = record.start
    return this.#inner.room(redacted)
  }

  encode(record: RecordView, out: Room, at: number): number {
    const known = record.bytes === this.#bytes && record.start === this.#start
    const redacted = known ? this.#redacted! : this.#redactor.redact(record)
    // Another record may come to the same place.
    this.#bytes = undefined
    return this.#inner.encode(redacted, out, at)
  }
}
