import { Field } from '../codec/fields.ts'
import { type Duration, findDuration } from '../record/duration.ts'
import type { RecordView } from '../record/view.ts'
import { type FoldLimit, foldLines, isOver } from './fold.ts'
import type { Paint, Palette } from './palette.ts'
import { visibleLine } from './visible.ts'

/** Statements, wherever they stand: enough to know which one it is. */
export const STATEMENT_LIMIT: FoldLimit = { length: 500, lines: 10 }
/** Messages: a plan of auto_explain is read in full. */
export const MESSAGE_LIMIT: FoldLimit = { length: 20_000, lines: 400 }

const SLOW_MS = 200
const VERY_SLOW_MS = 1000

// What log_statement writes; as message ids, and in logfebe-1, which has none, as the untranslated text itself.
const STATEMENT_MESSAGE = /^(?:statement: |execute [^:\n]*: )/
const PLAN_MESSAGE = /^duration: \S+ \S+ {2}plan:/

/** The visible lines of a record's message, with its duration painted when it is long. */
export function messageLines(record: RecordView, palette: Palette): string[] {
  const text = record.text(Field.ErrMessage)
  if (text === null) return [palette.remark('(no message)')]
  const duration = findDuration(record)
  const lines = foldLines(text, limitOf(record, text, duration))
  const paint = duration === undefined ? undefined : durationPaint(record, duration, palette)
  if (paint !== undefined) lines[0] = paintDuration(record, duration!, lines[0]!, paint)
  return lines
}

function limitOf(record: RecordView, text: string, duration: Duration | undefined): FoldLimit {
  if (!isOver(text, STATEMENT_LIMIT)) return MESSAGE_LIMIT
  if (duration !== undefined) return PLAN_MESSAGE.test(text) ? MESSAGE_LIMIT : STATEMENT_LIMIT
  const form = record.has(Field.MessageId) ? record.text(Field.MessageId)! : text
  return STATEMENT_MESSAGE.test(form) ? STATEMENT_LIMIT : MESSAGE_LIMIT
}

function durationPaint(record: RecordView, duration: Duration, palette: Palette): Paint | undefined {
  const { bytes } = record
  let millis = 0
  // The three decimals are left out: whole milliseconds decide.
  for (let at = duration.start; at < duration.end - 4; at++) millis = millis * 10 + bytes[at]! - 0x30
  if (millis < SLOW_MS) return undefined
  return millis >= VERY_SLOW_MS ? palette.verySlow : palette.slow
}

/** Paints the number and the unit behind it. */
function paintDuration(record: RecordView, duration: Duration, line: string, paint: Paint): string {
  const lead = record.bytes.subarray(record.spans[2 * Field.ErrMessage]!, duration.start)
  const start = visibleLine(record.decoder()(lead)).length
  const unit = start + duration.end - duration.start + 1
  const space = line.slice(unit).search(/[ ,]/)
  const end = space < 0 ? line.length : unit + space
  return line.slice(0, start) + paint(line.slice(start, end)) + line.slice(end)
}
