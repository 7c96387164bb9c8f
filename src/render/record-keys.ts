import { Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'
import type { RecordValues } from './record-values.ts'

/** A key of the canonical JSON, for formats that can be told which keys to write. */
export interface RecordKey {
  readonly name: string
  /** Whether the value is a text: what is none stands in JSON without quotes. */
  readonly isText: boolean
  /** The field that is the value as it stands; -1 where it takes more to find it. */
  readonly field: number
  /** Finds the value; false when the record has none. */
  readonly find: (values: RecordValues, record: RecordView) => boolean
}

type Find = RecordKey['find']

const text = (name: string, field: number): RecordKey => ({
  name,
  isText: true,
  field,
  find: (values, record) => values.text(record, field),
})
const number = (name: string, find: Find): RecordKey => ({
  name,
  isText: false,
  field: -1,
  find,
})
const int32 = (name: string, field: number): RecordKey => ({
  ...number(name, (values, record) => values.int32(record, field)),
  field,
})
const int64 = (name: string, field: number): RecordKey => ({
  ...number(name, (values, record) => record.has(field) && values.int64(record, field)),
  field,
})
const other = (name: string, find: Find): RecordKey => ({
  name,
  isText: true,
  field: -1,
  find,
})

/** Every key, in the order of the canonical JSON. */
export const RECORD_KEYS: readonly RecordKey[] = [
  text('timestamp', Field.LogTime),
  text('user', Field.UserName),
  text('dbname', Field.DatabaseName),
  int32('pid', Field.Pid),
  other('remote_host', (values, record) => values.host(record)),
  number('remote_port', (values, record) => values.port(record)),
  text('session_id', Field.SessionId),
  int64('line_num', Field.SeqNum),
  text('ps', Field.PsDisplay),
  text('session_start', Field.SessionStart),
  text('vxid', Field.Vxid),
  int64('txid', Field.Txid),
  other('error_severity', (values, record) => values.severity(record)),
  other('state_code', (values, record) => values.state(record)),
  text('message', Field.ErrMessage),
  text('detail', Field.ErrDetail),
  text('hint', Field.ErrHint),
  text('internal_query', Field.InternalQuery),
  number('internal_position', (values, record) => values.positive(record, Field.InternalQueryPos)),
  text('context', Field.ErrContext),
  text('statement', Field.UserQuery),
  number('cursor_position', (values, record) => values.positive(record, Field.UserQueryPos)),
  other('func_name', (values, record) => values.place(record, 'function')),
  other('file_name', (values, record) => values.place(record, 'file')),
  number('file_line_num', (values, record) => values.place(record, 'line')),
  text('application_name', Field.ApplicationName),
  text('backend_type', Field.BackendType),
  number('leader_pid', (values, record) => values.leader(record)),
  int64('query_id', Field.QueryId),
  other('identity', (values, record) => values.identity(record)),
  other('server_version', (values, record) => values.serverVersion(record)),
  number('seq', (values, record) => values.sequence(record)),
  other('uid', (values, record) => values.uid(record)),
  other('sqlstate_name', (values, record) => values.stateName(record)),
  number('duration_ms', (values, record) => values.duration(record)),
  number('parse_ms', (values, record) => values.duration(record, 'parse')),
  number('bind_ms', (values, record) => values.duration(record, 'bind')),
  text('message_id', Field.MessageId),
  text('schema_name', Field.SchemaName),
  text('table_name', Field.TableName),
  text('column_name', Field.ColumnName),
  text('data_type_name', Field.DataTypeName),
  text('constraint_name', Field.ConstraintName),
  text('backtrace', Field.Backtrace),
  number('truncated', (values, record) => values.truncated(record)),
  number('original_bytes', (values, record) => values.originalBytes(record)),
  other('trace_id', (values, record) => values.trace(record, 'traceId')),
  other('span_id', (values, record) => values.trace(record, 'spanId')),
  other('trace_flags', (values, record) => values.trace(record, 'flags')),
]

/** The names, in the same order. */
export const KEY_NAMES: readonly string[] = RECORD_KEYS.map(({ name }) => name)

/** A key by its name. */
export const keyNamed = (name: string): RecordKey | undefined => RECORD_KEYS.find((key) => key.name === name)

/** The keys of names that are known to be some. */
export const keysNamed = (names: readonly string[]): readonly RecordKey[] =>
  names.map((name) => keyNamed(name)!)
