import { Field, readInt32 } from '../codec/fields.ts'
import { SEVERITIES } from '../codec/severity.ts'
import type { RecordView } from '../record/view.ts'

/** What the three formats of PostgreSQL's own log have in common. */

/** PostgreSQL's `log_error_verbosity`. */
export const VERBOSITIES = ['terse', 'default', 'verbose'] as const

/** How much of a record PostgreSQL's own log shows. */
export type Verbosity = (typeof VERBOSITIES)[number]

/** Severities as the server's log shows them, by rank: it does not tell the five DEBUGs apart. */
export const LOG_SEVERITIES: readonly string[] = SEVERITIES.map((name) =>
  name.startsWith('DEBUG') ? 'DEBUG' : name,
)

/** Whether the record is of a session of a client: PostgreSQL knows more of those. */
export function isOfClient({ spans }: RecordView): boolean {
  return (
    spans[2 * Field.PsDisplay]! >= 0 || spans[2 * Field.UserName]! >= 0 || spans[2 * Field.ClientAddr]! >= 0
  )
}

/** The place in the statement that an error points to, in characters from 1; 0 where there is none. */
export function cursorOf({ bytes, spans }: RecordView): number {
  if (spans[2 * Field.UserQuery]! < 0) return 0
  return Math.max(0, readInt32(bytes, spans[2 * Field.UserQueryPos]!))
}

/** The same in the query that the server itself has made. */
export function internalCursorOf({ bytes, spans }: RecordView): number {
  if (spans[2 * Field.InternalQuery]! < 0) return 0
  return Math.max(0, readInt32(bytes, spans[2 * Field.InternalQueryPos]!))
}
