import type { RecordView } from '../record/view.ts'
import { atLeast } from './level.ts'

/** What records are chosen by. A record is wanted when it fits everything that is given. */
export interface Selection {
  /** Index into SEVERITIES: the least severity. */
  readonly level?: number | undefined
}

/**
 * A test for the records of a selection; the head of a record has been walked when it is asked.
 *
 * @returns undefined when every record is wanted, at no cost
 */
export function compileSelection(selection: Selection): ((record: RecordView) => boolean) | undefined {
  return atLeast(selection.level)
}
