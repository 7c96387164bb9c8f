import { Field, readInt32 } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import { MessageKind, messageKind } from './message-kind.ts'

/** What a record's message holds: by its format string, or by its text alone where there is none. */
export function kindOf(record: RecordView): number {
  const { bytes, spans, source } = record
  const start = spans[2 * Field.MessageId]!
  const hasFormat = source.version.protocol === 2 && start >= 0 && spans[2 * Field.MessageId + 1]! > start
  return hasFormat ? messageKind(bytes, start, spans[2 * Field.MessageId + 1]!) : kindByText(record)
}

function kindByText(record: RecordView): number {
  const text = spanText(record, Field.ErrMessage).slice(0, 80)
  if (/^duration: [\d.]+ ms$/.test(text)) return MessageKind.Plain
  if (/^duration: [\d.]+ ms {2}plan:/.test(text)) return MessageKind.Plan
  if (/^duration: [\d.]+ ms {2}/.test(text)) return MessageKind.TimedStatement
  if (/^(?:statement|execute [^'"]*): /.test(text)) return MessageKind.Statement
  return MessageKind.Values
}

/** Whether SQL stands behind a colon in the message; then in the detail as well. */
export const holdsSql = (kind: number): boolean =>
  kind === MessageKind.Statement || kind === MessageKind.TimedStatement

/** Whether a row may be shown in parentheses: integrity constraints (23), WITH CHECK OPTION (44). */
export function isOfRow({ bytes, spans }: RecordView): boolean {
  const start = spans[2 * Field.SQLState]!
  if (start < 0) return false
  const [first, second] = [bytes[start], bytes[start + 1]]
  return (first === 0x32 && second === 0x33) || (first === 0x34 && second === 0x34)
}

/** A field's bytes as a text of as many characters; empty where it is absent. */
function spanText({ bytes, spans }: RecordView, field: number): string {
  const start = spans[2 * field]!
  if (start < 0) return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, spans[2 * field + 1]! - start).toString('latin1')
}

/** Whether the sender cut the record off; a logfebe-1 sender does not say. */
export const wasCut = ({ bytes, spans, source }: RecordView): boolean =>
  source.version.protocol === 2 && (readInt32(bytes, spans[2 * Field.Flags]!) & 1) !== 0
