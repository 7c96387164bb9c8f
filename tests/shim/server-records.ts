/** What the server itself has logged, for comparison: jsonlog from 15 on, csvlog before, as jsonlog spells it. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A record of the server's own log, by jsonlog's keys. */
export type ServerRecord = Record<string, unknown>

/** Columns of csvlog; 13 ends at backend_type. */
const COLUMNS = [
  'timestamp',
  'user',
  'dbname',
  'pid',
  'remote',
  'session_id',
  'line_num',
  'ps',
  'session_start',
  'vxid',
  'txid',
  'error_severity',
  'state_code',
  'message',
  'detail',
  'hint',
  'internal_query',
  'internal_position',
  'context',
  'statement',
  'cursor_position',
  'place',
  'application_name',
  'backend_type',
  'leader_pid',
  'query_id',
]
const NUMBERS = new Set(['pid', 'line_num', 'txid', 'internal_position', 'cursor_position', 'leader_pid'])

/** The `log_destination` that `serverRecords` reads. */
export const destination = (major: number): string => (major >= 15 ? 'jsonlog' : 'csvlog')

/** The server's own records, by session and line; 'latin1' shows the bytes of a server with several encodings. */
export function serverRecords(
  folder: string,
  major: number,
  encoding: 'utf8' | 'latin1' = 'utf8',
): Map<string, ServerRecord> {
  const suffix = major >= 15 ? '.json' : '.csv'
  const records = readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => readFileSync(join(folder, name), encoding))
    .flatMap(major >= 15 ? jsonRecords : csvRecords)
  return new Map(records.map((record) => [`${record['session_id']}/${record['line_num']}`, record]))
}

/** query_id keeps its digits. */
function jsonRecords(text: string): ServerRecord[] {
  const lines = text.trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line.replace(/"query_id":(-?\d+)\}$/, '"query_id":"$1"}')))
}

function csvRecords(text: string): ServerRecord[] {
  return csvRows(text).map((row) => {
    const record: ServerRecord = {}
    row.forEach((value, index) => {
      const name = COLUMNS[index]!
      if (value !== undefined) record[name] = NUMBERS.has(name) ? Number(value) : value
    })
    return asJsonlog(record)
  })
}

/** What jsonlog leaves out or splits. */
function asJsonlog({ remote, place, ...record }: ServerRecord): ServerRecord {
  if (remote !== undefined) Object.assign(record, remoteAddress(String(remote)))
  if (place !== undefined) Object.assign(record, sourcePlace(String(place)))
  if (record['state_code'] === '00000') delete record['state_code']
  if (record['application_name'] === '') delete record['application_name']
  return record
}

/** A client's address as csvlog and the wire have it, in the two fields of jsonlog. */
export function remoteAddress(text: string): ServerRecord {
  const [, host, port] = /^(.*?)(?::(\d+))?$/s.exec(text) ?? []
  return { remote_host: host, ...(port !== undefined && { remote_port: Number(port) }) }
}

/** A place in the source as csvlog and the wire have it, in the three fields of jsonlog. */
export function sourcePlace(text: string): ServerRecord {
  const [, func, file, line] = /^(?:(.*), )?(.*):(\d+)$/.exec(text) ?? []
  return { ...(func !== undefined && { func_name: func }), file_name: file, file_line_num: Number(line) }
}

/** Rows of a CSV text; a value is undefined where nothing stands between the commas. */
function csvRows(text: string): (string | undefined)[][] {
  const rows: (string | undefined)[][] = []
  let row: (string | undefined)[] = []
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    row.push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain || undefined)
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}
