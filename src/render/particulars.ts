import { Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import { excerptAt } from './excerpt.ts'
import { type FoldLimit, foldLines } from './fold.ts'
import { STATEMENT_LIMIT } from './message.ts'
import type { Paint, Palette } from './palette.ts'

/** What stands under a headline: detail, hint, context and statements, each indented behind its name. */

/** In front of everything under a headline. */
export const INDENT = '    '
/** Details, hints and contexts. */
export const NOTE_LIMIT: FoldLimit = { length: 4000, lines: 60 }

const LABEL_COLUMNS = 11
const TEXT_INDENT = INDENT + ' '.repeat(LABEL_COLUMNS)

/** The lines under the headline, each with its line end; empty when the record has nothing to add. */
export function particularsOf(record: RecordView, palette: Palette): string {
  let lines = noteLines(record, Field.ErrDetail, 'detail:', palette)
  lines += noteLines(record, Field.ErrHint, 'hint:', palette)
  lines += statementLines(record, Field.InternalQuery, Field.InternalQueryPos, 'query:', palette)
  lines += noteLines(record, Field.ErrContext, 'context:', palette)
  lines += statementLines(record, Field.UserQuery, Field.UserQueryPos, 'statement:', palette)
  return lines + truncationLine(record, palette)
}

function noteLines(record: RecordView, field: number, label: string, palette: Palette): string {
  const text = record.text(field)
  return text === null ? '' : labelled(label, foldLines(text, NOTE_LIMIT), palette.note, palette)
}

/** A statement: the line that an error points into with a caret under the place, else as much of it as fits. */
function statementLines(
  record: RecordView,
  field: number,
  positionField: number,
  label: string,
  palette: Palette,
): string {
  const text = record.text(field)
  if (text === null) return ''
  const position = record.int32(positionField)
  const excerpt = position > 0 ? excerptAt(text, position) : undefined
  if (excerpt === undefined)
    return labelled(label, foldLines(text, STATEMENT_LIMIT), palette.statement, palette)
  const caret = `${TEXT_INDENT}${' '.repeat(excerpt.column)}${palette.caret('^')}\n`
  return labelled(label, [excerpt.line], palette.statement, palette) + caret
}

function truncationLine(record: RecordView, palette: Palette): string {
  if (record.source.version.protocol === 1 || (record.int32(Field.Flags) & 1) === 0) return ''
  const size = record.int64(Field.OriginalBytes).toLocaleString('en-US')
  return labelled('truncated:', [`the record had ${size} bytes`], palette.remark, palette)
}

function labelled(label: string, lines: readonly string[], paint: Paint, palette: Palette): string {
  let text = `${INDENT}${palette.label(label.padEnd(LABEL_COLUMNS))}${paint(lines[0]!)}\n`
  for (let i = 1; i < lines.length; i++) text += `${TEXT_INDENT}${paint(lines[i]!)}\n`
  return text
}
