import { Field, readInt32, readInt64 } from '../../codec/fields.ts'
import { SEVERITIES } from '../../codec/severity.ts'
import { fileEndIn, fileStartIn, splitAddress } from '../../record/compound.ts'
import { findDuration } from '../../record/duration.ts'
import { sessionStartMicros, timeMicros } from '../../record/log-time.ts'
import { recodeToUtf8 } from '../../record/recode.ts'
import { conditionName } from '../../record/sqlstate.ts'
import { findTraceContext, type TraceContext } from '../../record/trace.ts'
import { uidOf } from '../../record/uid.ts'
import type { RecordView } from '../../record/view.ts'
import { type Expression, intOf, type Type } from './expression.ts'

/** The keys of the event that an expression may name. Each is found when it is asked for, from the record's bytes. */

/** A text field, as it stands. */
const text = (field: number): Expression => ({
  type: 'string',
  field,
  // How its text is encoded stands behind the head.
  deep: true,
  value: (record) => record.text(field),
})

const key = (type: Type, value: Expression['value']): Expression => ({ type, deep: true, value })
const headKey = (type: Type, value: Expression['value']): Expression => ({ type, deep: false, value })

/** An int64 field: a number as long as that is exact. */
function readInt(record: RecordView, field: number): number | bigint {
  const at = record.spans[2 * field]!
  const high = readInt32(record.bytes, at)
  const value = high * 4294967296 + (readInt32(record.bytes, at + 4) >>> 0)
  return Number.isSafeInteger(value) ? value : intOf(readInt64(record.bytes, at))
}

const int64 = (field: number): Expression =>
  (field <= Field.ELevel ? headKey : key)('int', (record) =>
    record.has(field) ? readInt(record, field) : null,
  )

/** A place in a text; 0 and less is none. */
const position = (field: number): Expression =>
  key('int', (record) => {
    const value = record.int32(field)
    return value > 0 ? value : null
  })

const SUCCESS = '00000'

/** The state of success is none, as in the event. */
function stateOf(record: RecordView): string | null {
  const code = record.text(Field.SQLState)
  return code === SUCCESS ? null : code
}

/** The event's own way with texts that hold several values: they are taken apart as UTF-8. */
const asUtf8 = (record: RecordView): RecordView => (record.isUtf8() ? record : recodeToUtf8(record))

/** With the point. */
const EXACT_DIGITS = 16

function durationOf(given: RecordView, phase?: 'parse' | 'bind'): number | null {
  const record = asUtf8(given)
  const found = findDuration(record)
  if (found === undefined || (phase !== undefined && found.phase !== phase)) return null
  const { bytes } = record
  // More digits than a number holds exactly: none but the first of them would be right.
  if (found.end - found.start > EXACT_DIGITS) return Number(decoded(record, found.start, found.end))
  let thousandths = 0
  for (let at = found.start; at < found.end; at++) {
    if (bytes[at] !== 0x2e) thousandths = thousandths * 10 + bytes[at]! - 0x30
  }
  return thousandths / 1000
}

/** Milliseconds of a duration message; null for every other. */
export const millisOf = (record: RecordView): number | null => durationOf(record)

function decoded(record: RecordView, start: number, end: number): string {
  return record.decoder()(record.bytes.subarray(start, end))
}

const digits = (bytes: Uint8Array, start: number, end: number): number => {
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + bytes[at]! - 0x30
  return value
}

function hostOf(given: RecordView): string | null {
  const record = asUtf8(given)
  if (!record.has(Field.ClientAddr)) return null
  const { start, end } = spanOf(record, Field.ClientAddr)
  return decoded(record, start, splitAddress(record.bytes, start, end))
}

function portOf(given: RecordView): number | null {
  const record = asUtf8(given)
  if (!record.has(Field.ClientAddr)) return null
  const { start, end } = spanOf(record, Field.ClientAddr)
  const hostEnd = splitAddress(record.bytes, start, end)
  return hostEnd === end ? null : digits(record.bytes, hostEnd + 1, end)
}

const spanOf = ({ spans }: RecordView, field: number): { start: number; end: number } => ({
  start: spans[2 * field]!,
  end: spans[2 * field + 1]!,
})

/** `function, file:line` or `file:line`, in its parts. */
function placeOf(given: RecordView, part: 'function' | 'file' | 'line'): string | number | null {
  const record = asUtf8(given)
  if (!record.has(Field.FileErrPos)) return null
  const { start, end } = spanOf(record, Field.FileErrPos)
  const fileEnd = fileEndIn(record.bytes, start, end)
  if (part === 'line') return fileEnd === end ? null : digits(record.bytes, fileEnd + 1, end)
  const fileStart = fileStartIn(record.bytes, start, fileEnd)
  if (part === 'file') return decoded(record, fileStart, fileEnd)
  return fileStart > start + 2 ? decoded(record, start, fileStart - 2) : null
}

function traceOf(record: RecordView, part: keyof TraceContext): string | null {
  const carrier = record.has(Field.UserQuery) ? Field.UserQuery : Field.ErrMessage
  const statement = record.text(carrier)
  return statement === null ? null : (findTraceContext(statement)?.[part] ?? null)
}

const isCut = (record: RecordView): boolean =>
  record.has(Field.Flags) && (record.int32(Field.Flags) & 1) !== 0

/** What an expression may name: the keys of the event, and a few that only filters have. In the event's order. */
export const KEYS: ReadonlyMap<string, Expression> = new Map(
  Object.entries({
    timestamp: key('timestamp', (record) => timeMicros(record) ?? null),
    user: text(Field.UserName),
    dbname: text(Field.DatabaseName),
    pid: headKey('int', (record) => record.int32(Field.Pid)),
    remote_host: key('string', hostOf),
    remote_port: key('int', portOf),
    session_id: text(Field.SessionId),
    line_num: int64(Field.SeqNum),
    ps: text(Field.PsDisplay),
    session_start: key('timestamp', (record) => sessionStartMicros(record) ?? null),
    vxid: text(Field.Vxid),
    txid: int64(Field.Txid),
    level: headKey('level', (record) => record.severityRank()),
    error_severity: headKey('string', (record) => SEVERITIES[record.severityRank()]!),
    state_code: key('string', stateOf),
    sqlstate_class: key('string', (record) => stateOf(record)?.slice(0, 2) ?? null),
    message: text(Field.ErrMessage),
    detail: text(Field.ErrDetail),
    hint: text(Field.ErrHint),
    internal_query: text(Field.InternalQuery),
    internal_position: position(Field.InternalQueryPos),
    context: text(Field.ErrContext),
    statement: text(Field.UserQuery),
    cursor_position: position(Field.UserQueryPos),
    func_name: key('string', (record) => placeOf(record, 'function')),
    file_name: key('string', (record) => placeOf(record, 'file')),
    file_line_num: key('int', (record) => placeOf(record, 'line')),
    application_name: text(Field.ApplicationName),
    backend_type: text(Field.BackendType),
    leader_pid: key(
      'int',
      (record) => (record.has(Field.LeaderPid) && record.int32(Field.LeaderPid)) || null,
    ),
    query_id: int64(Field.QueryId),
    identity: headKey('string', (record) => record.source.identity),
    server_version: headKey('string', (record) => record.source.version.server),
    seq: headKey('int', (record) => {
      const { sequence } = record
      return sequence === undefined ? null : intOf(sequence)
    }),
    uid: key('string', uidOf),
    sqlstate_name: key('string', (record) => {
      const code = stateOf(record)
      return code === null ? null : (conditionName(code) ?? null)
    }),
    duration_ms: key('double', millisOf),
    parse_ms: key('double', (record) => durationOf(record, 'parse')),
    bind_ms: key('double', (record) => durationOf(record, 'bind')),
    message_id: text(Field.MessageId),
    schema_name: text(Field.SchemaName),
    table_name: text(Field.TableName),
    column_name: text(Field.ColumnName),
    data_type_name: text(Field.DataTypeName),
    constraint_name: text(Field.ConstraintName),
    backtrace: text(Field.Backtrace),
    truncated: key('bool', isCut),
    original_bytes: key('int', (record) => (isCut(record) ? readInt(record, Field.OriginalBytes) : null)),
    trace_id: key('string', (record) => traceOf(record, 'traceId')),
    span_id: key('string', (record) => traceOf(record, 'spanId')),
    trace_flags: key('string', (record) => traceOf(record, 'flags')),
  } satisfies Record<string, Expression>).map(([name, expression]) => [name, { ...expression, key: name }]),
)
