import { Field } from '../codec/fields.ts'
import { fnv1aHex } from '../fnv1a.ts'
import type { Source } from './source.ts'
import type { RecordView } from './view.ts'

/**
 * A record's unique id: the same whenever and wherever the same record is read, so that a destination can tell a
 * duplicate.
 *
 * logfebe-2: `<boot id, 16 hex digits>-<sequence>`. logfebe-1, which has neither: `<hash of the identity, 8 hex
 * digits>-<session id>-<number in the session>`.
 */
export function uidOf(record: RecordView): string {
  const sequence = record.sequence
  if (sequence !== undefined) return `${uidPrefix(record.source)}${sequence}`
  return `${uidPrefix(record.source)}${record.text(Field.SessionId)}-${record.int64(Field.SeqNum)}`
}

/** The part of the unique id that all records of a source share. */
export function uidPrefix(source: Source): string {
  if (source.bootId !== undefined)
    return `${BigInt.asUintN(64, source.bootId).toString(16).padStart(16, '0')}-`
  return `${fnv1aHex(source.identity)}-`
}
