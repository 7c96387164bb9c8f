import * as Do from '../../kernel/layout.ts'
import { Field, type FieldName } from '../codec/fields.ts'
import { KEY } from './json-parts.ts'
import { type Piece, pieceOf } from './room.ts'

/** A step of the kernel: what to do, with which field, behind which text. */
export interface Step {
  readonly what: number
  /** Index of a field. Where that is absent, the step is left out. */
  readonly field: number
  readonly key?: Piece
  /** Another field that the step needs; such a step takes its text from the kernel's own table. */
  readonly other?: number
}

const step = (what: number, field: FieldName, key?: Piece): Step =>
  key === undefined ? { what, field: Field[field] } : { what, field: Field[field], key }
const text = (field: FieldName, key: Piece): Step => step(Do.TEXT, field, key)

/** Steps that are not about a field name one that is never absent. */
const ALWAYS = 'ELevel'

const UP_TO_APPLICATION: readonly Step[] = [
  text('LogTime', KEY.timestamp),
  text('UserName', KEY.user),
  text('DatabaseName', KEY.dbname),
  step(Do.INT32, 'Pid', KEY.pid),
  step(Do.ADDRESS, 'ClientAddr'),
  text('SessionId', KEY.sessionId),
  step(Do.INT64, 'SeqNum', KEY.lineNum),
  text('PsDisplay', KEY.ps),
  text('SessionStart', KEY.sessionStart),
  text('Vxid', KEY.vxid),
  step(Do.INT64, 'Txid', KEY.txid),
  step(Do.WRITE_SEVERITY, ALWAYS),
  step(Do.STATE, 'SQLState', KEY.stateCode),
  text('ErrMessage', KEY.message),
  text('ErrDetail', KEY.detail),
  text('ErrHint', KEY.hint),
  text('InternalQuery', KEY.internalQuery),
  step(Do.POSITION, 'InternalQueryPos', KEY.internalPosition),
  text('ErrContext', KEY.context),
  text('UserQuery', KEY.statement),
  step(Do.POSITION, 'UserQueryPos', KEY.cursorPosition),
  step(Do.FILE_POSITION, 'FileErrPos'),
  text('ApplicationName', KEY.applicationName),
]

const WHENCE: readonly Step[] = [
  step(Do.WRITE_TAIL, ALWAYS),
  { what: Do.IDS, field: Field.SessionId, other: Field.SeqNum },
  step(Do.STATE_NAME, 'SQLState', pieceOf(',"sqlstate_name":"')),
  step(Do.WRITE_DURATION, ALWAYS),
]

/** The members of a record's JSON object, in their order, up to the trace context; by protocol. */
export const JSON_STEPS: Readonly<Record<1 | 2, readonly Step[]>> = {
  1: [...UP_TO_APPLICATION, ...WHENCE],
  2: [
    ...UP_TO_APPLICATION,
    text('BackendType', KEY.backendType),
    step(Do.NOT_ZERO, 'LeaderPid', KEY.leaderPid),
    step(Do.INT64, 'QueryId', KEY.queryId),
    ...WHENCE,
    text('MessageId', KEY.messageId),
    text('SchemaName', KEY.schemaName),
    text('TableName', KEY.tableName),
    text('ColumnName', KEY.columnName),
    text('DataTypeName', KEY.dataTypeName),
    text('ConstraintName', KEY.constraintName),
    text('Backtrace', KEY.backtrace),
    { what: Do.WRITE_TRUNCATED, field: Field.Flags, other: Field.OriginalBytes },
  ],
}

/** Texts that steps refer to by number. */
export const KEY_TABLE: readonly (readonly [number, Piece])[] = [
  [Do.REMOTE_HOST, KEY.remoteHost],
  [Do.REMOTE_PORT, KEY.remotePort],
  [Do.FUNC_NAME, KEY.funcName],
  [Do.FILE_NAME, KEY.fileName],
  [Do.FILE_LINE_NUM, KEY.fileLineNum],
  [Do.SEQ, KEY.seq],
  [Do.UID, KEY.uid],
  [Do.DURATION_MS, KEY.durationMs],
  [Do.PARSE_MS, KEY.parseMs],
  [Do.BIND_MS, KEY.bindMs],
  [Do.TRUNCATED, KEY.truncated],
  [Do.DURATION_ID, pieceOf('duration: %')],
  [Do.PARSE_ID, pieceOf('duration: %s ms  parse ')],
  [Do.BIND_ID, pieceOf('duration: %s ms  bind ')],
  [Do.TRACEPARENT, pieceOf('traceparent')],
  [Do.UTF8, pieceOf('UTF8')],
  [Do.SQL_ASCII, pieceOf('SQL_ASCII')],
]
