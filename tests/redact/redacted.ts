import { Field } from '../../src/codec/fields.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { RecordRedactor } from '../../src/redact/record-redactor.ts'
import type { Redaction } from '../../src/redact/redaction.ts'
import { recordOf, type Surroundings } from '../record/records.ts'

/** Nothing left out. */
export const NOTHING: Redaction = { literals: false, statements: false, parameters: false, passwords: false }
export const LITERALS: Redaction = { ...NOTHING, literals: true }
export const STATEMENTS: Redaction = { ...NOTHING, statements: true }
export const PARAMETERS: Redaction = { ...NOTHING, parameters: true }
export const PASSWORDS: Redaction = { ...NOTHING, passwords: true }

const TEXTS = ['ErrMessage', 'ErrDetail', 'ErrHint', 'InternalQuery', 'ErrContext', 'UserQuery'] as const

/** The texts of a record, as a redaction leaves them; those that are absent are left out. */
export type Texts = { readonly [N in (typeof TEXTS)[number]]?: string }

/** What a redaction leaves of a record, of which it is known which encoding it is in. */
export function redacted(fields: LogFields, redaction: Redaction, around: Surroundings = {}): Texts {
  const record = recordOf({ ELevel: 21, Encoding: 'UTF8', ...fields }, around)
  const left = new RecordRedactor(redaction).redact(record)
  return Object.fromEntries(
    TEXTS.filter((name) => left.has(Field[name])).map((name) => [name, left.text(Field[name])!]),
  )
}
