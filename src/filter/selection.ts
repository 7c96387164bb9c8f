import { Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import { atLeast } from './level.ts'

/** What records are chosen by. A record is wanted when it fits everything that is given. */
export interface Selection {
  /** Index into SEVERITIES: the least severity. */
  readonly level?: number | undefined
  /** Microseconds since 1970: no record before. */
  readonly since?: number | undefined
  /** Microseconds since 1970: no record from there on. */
  readonly until?: number | undefined
}

/**
 * A test for the records of a selection; the head of a record has been walked when it is asked.
 *
 * @returns undefined when every record is wanted, at no cost
 */
export function compileSelection(selection: Selection): ((record: RecordView) => boolean) | undefined {
  const severe = atLeast(selection.level)
  const timely = within(selection.since, selection.until)
  if (severe === undefined || timely === undefined) return severe ?? timely
  return (record) => severe(record) && timely(record)
}

/** Records of logfebe-1 carry their time as a text only: they are wanted. */
function within(since = 0, until = Number.POSITIVE_INFINITY): ((record: RecordView) => boolean) | undefined {
  if (since === 0 && until === Number.POSITIVE_INFINITY) return undefined
  return (record) => {
    if (record.source.version.protocol === 1 || !record.walk()) return true
    const micros = Number(record.int64(Field.TimeMicros))
    return micros >= since && micros < until
  }
}
