import { FIELD_COUNT, FIELDS, type FieldName } from '../../src/codec/fields.ts'
import { severityOf } from '../../src/codec/severity.ts'
import type { Source } from '../../src/record/source.ts'
import { conditionName } from '../../src/record/sqlstate.ts'
import durations from '../fixtures/durations.json' with { type: 'json' }

/**
 * The canonical JSON of a record once more, made the slow and obvious way: strings by TextDecoder, text by
 * JSON.stringify, numbers by BigInt. Nothing but tables is shared with what it checks.
 */

type Value = Uint8Array | bigint | null
type Values = Readonly<Partial<Record<FieldName, Value>>>
type Pair = readonly [key: string, json: string]

const LABELS: ReadonlyMap<string, string> = new Map([
  ['LATIN2', 'iso-8859-2'],
  ['LATIN9', 'iso-8859-15'],
  ['WIN1251', 'windows-1251'],
  ['KOI8R', 'koi8-r'],
  ['EUC_JP', 'euc-jp'],
  ['SJIS', 'shift_jis'],
  ['EUC_KR', 'euc-kr'],
  ['GB18030', 'gb18030'],
  ['BIG5', 'big5'],
])

const LATIN5: Readonly<Record<number, string>> = {
  208: 'Ğ',
  221: 'İ',
  222: 'Ş',
  240: 'ğ',
  253: 'ı',
  254: 'ş',
}

/** Encodings that the reference can decode, and some that nobody can. */
export const REFERENCE_ENCODINGS = [
  'UTF8',
  'SQL_ASCII',
  '',
  'LATIN1',
  'LATIN5',
  ...LABELS.keys(),
  'EUC_TW',
  'constructor',
]

const decodeAs = (label: string, bytes: Uint8Array): string =>
  new TextDecoder(label as Bun.Encoding, { ignoreBOM: true }).decode(bytes)

const characters = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

const isUtf8 = (encoding: string): boolean => ['UTF8', 'SQL_ASCII', ''].includes(encoding)

function decode(encoding: string, bytes: Uint8Array): string {
  if (isUtf8(encoding)) return decodeAs('utf-8', bytes)
  if (encoding === 'LATIN1') return characters(bytes)
  if (encoding === 'LATIN5')
    return Array.from(bytes, (byte) => LATIN5[byte] ?? String.fromCharCode(byte)).join('')
  const label = LABELS.get(encoding)
  if (label !== undefined) return decodeAs(label, bytes)
  return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : '\ufffd')).join('')
}

/** Reads a payload field by field. */
function parse(payload: Uint8Array, protocol: 1 | 2): Values {
  const values: Partial<Record<FieldName, Value>> = {}
  const bytes = Buffer.from(payload)
  let at = 0
  const cString = (): Uint8Array => {
    const nul = bytes.indexOf(0, at)
    if (nul < 0) throw new Error('no NUL')
    const found = payload.slice(at, nul)
    at = nul + 1
    return found
  }
  for (const [name, kind] of FIELDS.slice(0, FIELD_COUNT[protocol])) {
    if (kind === 'int32') {
      values[name] = BigInt(bytes.readInt32BE(at))
      at += 4
    } else if (kind === 'int64') {
      values[name] = bytes.readBigInt64BE(at)
      at += 8
    } else if (kind === 'string') {
      values[name] = cString()
    } else {
      const mark = String.fromCharCode(payload[at++]!)
      const found = cString()
      values[name] = mark === 'N' ? null : found
    }
  }
  return values
}

/** A record read slowly: its values, and text by its encoding. */
class SlowRecord {
  readonly source: Source
  readonly sequence: bigint | undefined
  readonly encoding: string
  readonly #values: Values

  constructor(source: Source, payload: Uint8Array, sequence: bigint | undefined) {
    this.source = source
    this.sequence = sequence
    this.#values = parse(payload, source.version.protocol)
    const named = this.#values.Encoding
    this.encoding = named instanceof Uint8Array ? characters(named).slice(0, 32) : ''
  }

  bytes(name: FieldName): Uint8Array | undefined {
    const value = this.#values[name]
    return value instanceof Uint8Array ? value : undefined
  }

  text(name: FieldName): string | undefined {
    const bytes = this.bytes(name)
    return bytes === undefined ? undefined : decode(this.encoding, bytes)
  }

  number(name: FieldName): bigint | undefined {
    const value = this.#values[name]
    return typeof value === 'bigint' ? value : undefined
  }
}

const string = (key: string, text: string | undefined): Pair[] =>
  text === undefined ? [] : [[key, JSON.stringify(text)]]
const integer = (key: string, value: bigint | undefined): Pair[] =>
  value === undefined ? [] : [[key, String(value)]]
const positive = (key: string, value: bigint | undefined): Pair[] =>
  value === undefined || value <= 0n ? [] : [[key, String(value)]]

function address(text: string | undefined): Pair[] {
  if (text === undefined) return []
  const [, host, port] = /^(.+):(0|[1-9]\d{0,4})$/s.exec(text) ?? []
  if (host === undefined || Number(port) > 65535) return string('remote_host', text)
  const colons = host.split(':').length - 1
  const dots = host.split('.').length - 1
  const whole = colons === 0 || colons === 7 || host.includes('::') || (colons === 6 && dots === 3)
  if (!whole) return string('remote_host', text)
  return [...string('remote_host', host), ['remote_port', port!]]
}

function filePosition(text: string | undefined): Pair[] {
  if (text === undefined) return []
  const [, place = text, line] = /^(.*):(0|[1-9]\d{0,8})$/s.exec(text) ?? []
  const comma = place.lastIndexOf(', ')
  const file = comma < 0 ? place : place.slice(comma + 2)
  const pairs = [
    ...(comma > 0 ? string('func_name', place.slice(0, comma)) : []),
    ...string('file_name', file),
  ]
  return line === undefined ? pairs : [...pairs, ['file_line_num', line]]
}

const utf8AsLatin1 = (text: string): string => characters(new TextEncoder().encode(text))
const catalogues = Object.values(durations)
const beforeNumber = (format: string): string => format.slice(0, format.indexOf('%s'))
const prefixes = new Set(
  catalogues.flatMap((formats) =>
    Object.values(formats).flatMap((format) => [utf8AsLatin1(beforeNumber(format)), beforeNumber(format)]),
  ),
)

const escapeForRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Whether a message is what a server makes of a format, in UTF-8 or in LATIN1. */
function isMade(format: string, message: string): boolean {
  return [utf8AsLatin1(format), format].some((text) =>
    new RegExp(
      `^${text
        .split(/(?:%s)+/)
        .map(escapeForRegExp)
        .join('[^ ]*')}`,
    ).test(message),
  )
}

function duration(record: SlowRecord): Pair[] {
  const raw = record.bytes('ErrMessage')
  if (raw === undefined) return []
  const message = isUtf8(record.encoding) ? characters(raw) : utf8AsLatin1(record.text('ErrMessage')!)
  const [, prefix, whole, decimals] = /^([^0-9]{0,47})(\d+)\.(\d{3})(?!\d)/s.exec(message) ?? []
  if (prefix === undefined || whole!.length > 15) return []
  const id = record.text('MessageId')
  if (id === undefined ? !prefixes.has(prefix) : !id.startsWith('duration: %')) return []
  const number = `${BigInt(whole!)}.${decimals}`
  const isParse =
    id?.startsWith('duration: %s ms  parse ') ?? catalogues.some(({ parse }) => isMade(parse, message))
  const isBind =
    id?.startsWith('duration: %s ms  bind ') ?? catalogues.some(({ bind }) => isMade(bind, message))
  const phase: Pair[] = isParse ? [['parse_ms', number]] : isBind ? [['bind_ms', number]] : []
  return [['duration_ms', number], ...phase]
}

function trace(record: SlowRecord): Pair[] {
  const text = record.text('UserQuery') ?? record.text('ErrMessage') ?? ''
  for (const [comment] of text.matchAll(/\/\*[\s\S]*?(?:\*\/|$)/g)) {
    const found = comment.matchAll(
      /traceparent\s?[=:]\s?'?([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?![0-9a-f])/g,
    )
    for (const [, version, traceId, spanId, flags] of found) {
      if (version === 'ff' || /^0+$/.test(traceId!) || /^0+$/.test(spanId!)) continue
      return [...string('trace_id', traceId), ...string('span_id', spanId), ...string('trace_flags', flags)]
    }
  }
  return []
}

function uid(record: SlowRecord): string {
  const { bootId, identity } = record.source
  let prefix: string
  if (bootId !== undefined) prefix = BigInt.asUintN(64, bootId).toString(16).padStart(16, '0')
  else {
    let hash = 0x811c9dc5n
    for (const byte of new TextEncoder().encode(identity)) {
      hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn
    }
    prefix = hash.toString(16).padStart(8, '0')
  }
  if (record.sequence !== undefined) return `${prefix}-${record.sequence}`
  return `${prefix}-${record.text('SessionId')}-${record.number('SeqNum')}`
}

function session(record: SlowRecord): Pair[] {
  return [
    ...string('timestamp', record.text('LogTime')),
    ...string('user', record.text('UserName')),
    ...string('dbname', record.text('DatabaseName')),
    ...integer('pid', record.number('Pid')),
    ...address(record.text('ClientAddr')),
    ...string('session_id', record.text('SessionId')),
    ...integer('line_num', record.number('SeqNum')),
    ...string('ps', record.text('PsDisplay')),
    ...string('session_start', record.text('SessionStart')),
    ...string('vxid', record.text('Vxid')),
    ...integer('txid', record.number('Txid')),
  ]
}

function error(record: SlowRecord): Pair[] {
  const severity = severityOf(record.source.version.major, Number(record.number('ELevel')))
  return [
    ...string('error_severity', severity),
    ...string('state_code', sqlstate(record)),
    ...string('message', record.text('ErrMessage')),
    ...string('detail', record.text('ErrDetail')),
    ...string('hint', record.text('ErrHint')),
    ...string('internal_query', record.text('InternalQuery')),
    ...positive('internal_position', record.number('InternalQueryPos')),
    ...string('context', record.text('ErrContext')),
    ...string('statement', record.text('UserQuery')),
    ...positive('cursor_position', record.number('UserQueryPos')),
    ...filePosition(record.text('FileErrPos')),
    ...string('application_name', record.text('ApplicationName')),
  ]
}

/** jsonlog leaves the state of success out. */
function sqlstate(record: SlowRecord): string | undefined {
  const state = record.text('SQLState')
  return state === '00000' ? undefined : state
}

function additions(record: SlowRecord): Pair[] {
  const leader = record.number('LeaderPid')
  const state = sqlstate(record)
  const cut = ((record.number('Flags') ?? 0n) & 1n) === 1n
  return [
    ...string('backend_type', record.text('BackendType')),
    ...integer('leader_pid', leader === 0n ? undefined : leader),
    ...integer('query_id', record.number('QueryId')),
    ...string('identity', record.source.identity),
    ...string('server_version', record.source.version.server),
    ...integer('seq', record.sequence),
    ...string('uid', uid(record)),
    ...string('sqlstate_name', state === undefined ? undefined : conditionName(state)),
    ...duration(record),
    ...string('message_id', record.text('MessageId')),
    ...string('schema_name', record.text('SchemaName')),
    ...string('table_name', record.text('TableName')),
    ...string('column_name', record.text('ColumnName')),
    ...string('data_type_name', record.text('DataTypeName')),
    ...string('constraint_name', record.text('ConstraintName')),
    ...string('backtrace', record.text('Backtrace')),
    ...(cut
      ? [['truncated', 'true'] as const, ...integer('original_bytes', record.number('OriginalBytes'))]
      : []),
    ...trace(record),
  ]
}

/** The canonical JSON of a record's payload. */
export function referenceJson(source: Source, payload: Uint8Array, sequence: bigint | undefined): string {
  const record = new SlowRecord(source, payload, sequence)
  const pairs = [...session(record), ...error(record), ...additions(record)]
  return `{${pairs.map(([key, json]) => `"${key}":${json}`).join(',')}}`
}
