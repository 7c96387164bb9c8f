import { Field, readInt32 } from '../../codec/fields.ts'
import { splitAddress } from '../../record/compound.ts'
import { writeInt32, writeInt64, writeNumber } from '../../record/digits.ts'
import type { Duration } from '../../record/duration.ts'
import { findQueryStep, QUERY_STEPS } from '../../record/query-step.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'
import { close, comma, digits, numberKey, ready, text, textKey } from './group.ts'

/**
 * `postgresql.log`: what PostgreSQL says and ECS has no name for, by the names that Elastic's own integration gives it, so
 * that its dashboards show it. What the integration does not have is there by PostgreSQL's name.
 */

const OPEN = pieceOf('"postgresql":{"log":{')

const TEXTS = [
  [Field.LogTime, textKey('timestamp')],
  [Field.DatabaseName, textKey('database')],
  [Field.PsDisplay, textKey('command_tag')],
  [Field.SessionId, textKey('session_id')],
  [Field.Vxid, textKey('virtual_transaction_id')],
  [Field.SQLState, textKey('sql_state_code')],
  [Field.ErrDetail, textKey('detail')],
  [Field.ErrHint, textKey('hint')],
  [Field.InternalQuery, textKey('internal_query')],
  [Field.ErrContext, textKey('context')],
  [Field.FileErrPos, textKey('location')],
  [Field.ApplicationName, textKey('application_name')],
] as const

const NEWER_TEXTS = [
  [Field.BackendType, textKey('backend_type')],
  [Field.MessageId, textKey('message_id')],
  [Field.SchemaName, textKey('schema_name')],
  [Field.TableName, textKey('table_name')],
  [Field.ColumnName, textKey('column_name')],
  [Field.DataTypeName, textKey('data_type_name')],
  [Field.ConstraintName, textKey('constraint_name')],
  [Field.Backtrace, textKey('backtrace')],
] as const

const KEY = {
  clientAddr: textKey('client_addr'),
  clientPort: numberKey('client_port'),
  line: numberKey('session_line_number'),
  sessionStart: textKey('session_start_time'),
  transaction: numberKey('transaction_id'),
  query: textKey('query'),
  step: textKey('query_step'),
  name: textKey('query_name'),
  internalPosition: numberKey('internal_query_pos'),
  position: numberKey('query_pos'),
  queryId: numberKey('query_id'),
  leader: numberKey('leader_pid'),
  truncated: pieceOf('"truncated":true,"original_bytes":'),
} as const

const TRUNCATED = 1
const STEPS = new Map(QUERY_STEPS.map((step) => [step as string, pieceOf(step)]))

/** Bytes of text that are written here beside those of the record, at the most. */
export const logTextBytes = ({ spans }: RecordView): number =>
  spans[2 * Field.ErrMessage + 1]! - spans[2 * Field.ErrMessage]!

/**
 * @param sessionStart as ISO 8601, undefined where the record does not say it
 * @returns the offset after the comma behind the object
 */
export function writePostgresqlLog(
  record: RecordView,
  out: Room,
  at: number,
  duration: Duration | undefined,
  sessionStart: Piece | undefined,
): number {
  const { bytes, spans } = record
  at = writePiece(out, at, OPEN)
  for (const [field, key] of TEXTS) at = text(out, at, key, record, spans[2 * field]!, spans[2 * field + 1]!)
  at = writeClient(record, out, at)
  at = comma(out, writeInt64(out.bytes, writePiece(out, at, KEY.line), bytes, spans[2 * Field.SeqNum]!))
  at = comma(out, writeInt64(out.bytes, writePiece(out, at, KEY.transaction), bytes, spans[2 * Field.Txid]!))
  if (sessionStart !== undefined) at = ready(out, at, KEY.sessionStart, sessionStart)
  at = writeQuery(record, out, at, duration)
  at = writePosition(out, at, KEY.internalPosition, bytes, spans[2 * Field.InternalQueryPos]!)
  at = writePosition(out, at, KEY.position, bytes, spans[2 * Field.UserQueryPos]!)
  if (record.source.version.protocol === 2) at = writeNewer(record, out, at)
  return close(out, close(out, at))
}

function writeClient(record: RecordView, out: Room, at: number): number {
  const { bytes, spans } = record
  const start = spans[2 * Field.ClientAddr]!
  if (start < 0) return at
  const end = spans[2 * Field.ClientAddr + 1]!
  const hostEnd = splitAddress(bytes, start, end)
  at = text(out, at, KEY.clientAddr, record, start, hostEnd)
  return hostEnd === end ? at : digits(out, at, KEY.clientPort, bytes, hostEnd + 1, end)
}

/** The statement; that of a duration message is in its text. */
function writeQuery(record: RecordView, out: Room, at: number, duration: Duration | undefined): number {
  const { spans } = record
  const step = duration === undefined ? undefined : findQueryStep(record, duration)
  const start = spans[2 * Field.UserQuery]!
  if (step === undefined) return text(out, at, KEY.query, record, start, spans[2 * Field.UserQuery + 1]!)
  at = ready(out, at, KEY.step, STEPS.get(step.step)!)
  at = text(out, at, KEY.name, record, step.nameStart, step.nameEnd)
  if (start >= 0) return text(out, at, KEY.query, record, start, spans[2 * Field.UserQuery + 1]!)
  return text(out, at, KEY.query, record, step.queryStart, step.queryEnd)
}

/** 0 and -1 both mean that there is none. */
function writePosition(out: Room, at: number, key: Piece, bytes: Uint8Array, from: number): number {
  const value = readInt32(bytes, from)
  return value > 0 ? comma(out, writeNumber(out.bytes, writePiece(out, at, key), value)) : at
}

/** What logfebe-1 does not have. */
function writeNewer(record: RecordView, out: Room, at: number): number {
  const { bytes, spans } = record
  for (const [field, key] of NEWER_TEXTS)
    at = text(out, at, key, record, spans[2 * field]!, spans[2 * field + 1]!)
  const id = spans[2 * Field.QueryId]!
  if (readInt32(bytes, id) !== 0 || readInt32(bytes, id + 4) !== 0)
    at = comma(out, writeInt64(out.bytes, writePiece(out, at, KEY.queryId), bytes, id))
  const leader = spans[2 * Field.LeaderPid]!
  if (readInt32(bytes, leader) !== 0)
    at = comma(out, writeInt32(out.bytes, writePiece(out, at, KEY.leader), bytes, leader))
  if ((readInt32(bytes, spans[2 * Field.Flags]!) & TRUNCATED) === 0) return at
  const original = spans[2 * Field.OriginalBytes]!
  return comma(out, writeInt64(out.bytes, writePiece(out, at, KEY.truncated), bytes, original))
}
