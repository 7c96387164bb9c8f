/** Compares what the listener got with the server's own jsonlog (csvlog before 15), record by record. */

import { join } from 'node:path'
import { severityOf } from '../../src/codec/severity.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { Fields } from './listener.ts'
import { remoteAddress, type ServerRecord, serverRecords, sourcePlace } from './server-records.ts'
import { major, type Shim } from './setup.ts'

/**
 * Two readings of the clock, ours in the hook and the server's after it: a process may be made to wait in between. From
 * 17 on it is one.
 */
const MOST_APART_MS = major >= 17 ? 0 : 1000

// 13 has neither in its csvlog: it knows leaders but does not show them, and computes no query_id.
const UNSHOWN = major >= 14 ? [] : ['leader_pid', 'query_id']

const PLACE = ['func_name', 'file_name', 'file_line_num']

const absent = (value: unknown) => (value === null || value === '' ? undefined : value)
const positive = (value: unknown) => (Number(value) > 0 ? Number(value) : undefined)

/** A record as jsonlog would print it. */
function asJsonlog(fields: Fields): ServerRecord {
  const severity = severityOf(major, Number(fields.ELevel))
  const record: ServerRecord = {
    user: fields.UserName ?? undefined,
    dbname: fields.DatabaseName ?? undefined,
    pid: fields.Pid,
    ...(fields.ClientAddr !== null && remoteAddress(String(fields.ClientAddr))),
    session_id: fields.SessionId,
    line_num: Number(fields.SeqNum),
    ps: fields.PsDisplay ?? undefined,
    session_start: fields.SessionStart,
    vxid: fields.Vxid ?? undefined,
    txid: Number(fields.Txid),
    error_severity: severity.startsWith('DEBUG') ? 'DEBUG' : severity,
    state_code: fields.SQLState === '00000' ? undefined : fields.SQLState,
    message: fields.ErrMessage ?? undefined,
    detail: fields.ErrDetail ?? undefined,
    hint: fields.ErrHint ?? undefined,
    internal_query: fields.InternalQuery ?? undefined,
    internal_position: positive(fields.InternalQueryPos),
    context: fields.ErrContext ?? undefined,
    statement: fields.UserQuery ?? undefined,
    cursor_position: positive(fields.UserQueryPos),
    ...(fields.FileErrPos !== null && sourcePlace(String(fields.FileErrPos))),
    application_name: absent(fields.ApplicationName),
    backend_type: fields.BackendType ?? undefined,
    leader_pid: positive(fields.LeaderPid),
    query_id: fields.QueryId?.toString(),
  }
  for (const name of UNSHOWN) delete record[name]
  return JSON.parse(JSON.stringify(record)) as ServerRecord
}

export interface Comparison {
  compared: number
  /** Records of ours that the server's log does not have, other than those from before its collector ran. */
  unknown: string[]
  /** Records of the server's log that never came. */
  missing: string[]
  differences: unknown[]
}

/**
 * Compares when the server's collector, a process of its own, has written what has come here already.
 *
 * @returns the last comparison when it does not do so in time
 */
export async function compare(made: Shim): Promise<Comparison> {
  const written = ({ unknown }: Comparison) => unknown.length === 0
  return waitUntil(() => compareNow(made), written, "the server's own log").catch(() => compareNow(made))
}

/**
 * There are two allowances. What a postmaster says before its logging collector runs goes to standard error, and the
 * collector's log counts that process's lines without it. And protocol 2 always has the place in the source, which
 * the server's log shows when log_error_verbosity is verbose.
 */
function compareNow({ cluster, listener }: Shim): Comparison {
  const theirs = serverRecords(join(cluster.dataDir, 'log'), major, listener.decoding)
  const early = new Map<string, number>()
  for (const { fields } of listener.records) {
    if (!String(fields.ErrMessage).startsWith('starting PostgreSQL')) continue
    const same = [...theirs.values()].find(
      (record) => record['session_id'] === fields.SessionId && record['message'] === fields.ErrMessage,
    )
    early.set(String(fields.SessionId), Number(fields.SeqNum) - Number(same?.['line_num']))
  }

  const result: Comparison = { compared: 0, unknown: [], missing: [], differences: [] }
  const seen = new Set<string>()
  for (const { fields } of listener.records) {
    const ours = asJsonlog(fields)
    const session = String(ours['session_id'])
    ours['line_num'] = Number(ours['line_num']) - (early.get(session) ?? 0)
    const key = `${session}/${ours['line_num']}`
    const { timestamp, ...record }: ServerRecord = theirs.get(key) ?? {}
    if (timestamp === undefined) {
      if (Number(ours['line_num']) > 0) result.unknown.push(String(fields.ErrMessage))
      continue
    }
    if (record['file_name'] === undefined) for (const name of PLACE) delete ours[name]
    seen.add(key)
    result.compared++
    for (const name of new Set([...Object.keys(ours), ...Object.keys(record)])) {
      if (ours[name] !== record[name])
        result.differences.push([fields.ErrMessage, name, ours[name], record[name]])
    }
    const apart = Math.abs(Date.parse(String(timestamp)) - Date.parse(String(fields.LogTime)))
    if (!(apart <= MOST_APART_MS))
      result.differences.push([fields.ErrMessage, 'timestamp', fields.LogTime, timestamp])
  }
  for (const [key, record] of theirs) if (!seen.has(key)) result.missing.push(String(record['message']))
  return result
}
