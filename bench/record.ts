import { encodeLog, type LogFields } from '../src/codec/log.ts'

/**
 * A numbered record in both shapes: as the frame that the module sends, and as the line of 444 bytes that PostgreSQL's jsonlog
 * writes. So that one count of what arrived serves every program, whatever it receives and however it writes.
 */

const STATEMENT = 'duration: 12.345 ms  statement: SELECT 1'

const FIELDS: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  UserName: 'shop_app',
  DatabaseName: 'shop',
  Pid: 36114,
  ClientAddr: '10.0.12.7:51234',
  SessionId: '69a43c00.8d12',
  PsDisplay: 'SELECT',
  SessionStart: '2026-03-01 11:58:02 UTC',
  Vxid: '5/10231',
  ELevel: 15,
  SQLState: '00000',
  ApplicationName: 'web',
  TimeMicros: 1772366400001234n,
  SessionStartMicros: 1772366282000000n,
  BackendType: 'client backend',
  QueryId: -8637085003156352615n,
  MessageId: 'duration: %s ms  statement: %s',
  Encoding: 'UTF8',
}

const DIGITS = 7
const text = (id: number): string => `record ${String(id).padStart(DIGITS, '0')} ${STATEMENT}`

/** An `L` frame of logfebe-2. */
export const recordFrame = (id: number): Uint8Array =>
  encodeLog({ ...FIELDS, SeqNum: BigInt(id + 1), ErrMessage: text(id) }, 2)

/** The same as a line of jsonlog, with its line end. */
export const recordLine = (id: number): string =>
  `{"timestamp":"2026-03-01 12:00:00.001 UTC","user":"shop_app","dbname":"shop","pid":36114,` +
  `"remote_host":"10.0.12.7","remote_port":51234,"session_id":"69a43c00.8d12","line_num":${id + 1},"ps":"SELECT",` +
  `"session_start":"2026-03-01 11:58:02 UTC","vxid":"5/10231","txid":0,"error_severity":"LOG",` +
  `"message":"${text(id)}","application_name":"web","backend_type":"client backend","query_id":-8637085003156352615}\n`

/** Numbers of the records in what a program has written, in their order. */
export function recordIds(written: string): number[] {
  return Array.from(written.matchAll(/record (\d{7}) /g), (found) => Number(found[1]))
}
