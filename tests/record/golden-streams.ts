import {
  encodeAcknowledgement,
  encodeDropped,
  encodeHeartbeat,
  encodeIdentity,
  encodeRing,
  encodeVersion,
} from '../../src/codec/control.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import { elevelOf } from '../../src/codec/severity.ts'
import { INT64_MAX, INT64_MIN } from '../codec/log-fields.ts'
import durations from '../fixtures/durations.json' with { type: 'json' }

/** The streams behind `tests/fixtures/golden/*.febe`, one a file; golden.test.ts says how the files are made anew. */

const BOOT = 0x1122334455667788n

/** What stands in front of the records of a stream. */
const v1 = (server = '15.20 (Debian 15.20-0+deb12u1)', identity = 'shop-db-1'): Uint8Array[] => [
  encodeVersion({ server, protocol: 1 }),
  encodeIdentity(identity),
]
const v2 = (nextSequence = 1n, bootId = BOOT, server = '15.20'): Uint8Array[] => [
  encodeVersion({ server, protocol: 2 }),
  encodeIdentity('shop-db-1'),
  encodeRing({ bootId, nextSequence }),
]

const BASE: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  Pid: 3611,
  SessionId: '69a43c00.8d12',
  SeqNum: 1n,
  PsDisplay: 'SELECT',
  SessionStart: '2026-03-01 11:58:02 UTC',
  ELevel: 15,
  SQLState: '00000',
  TimeMicros: 1772366400001234n,
  SessionStartMicros: 1772366282000000n,
  BackendType: 'client backend',
  Encoding: 'UTF8',
}
const log1 = (fields: LogFields): Uint8Array => encodeLog({ ...BASE, ...fields }, 1)
const log2 = (fields: LogFields): Uint8Array => encodeLog({ ...BASE, ...fields }, 2)

const FULL: LogFields = {
  LogTime: '2026-03-01 13:00:00.001 CET',
  UserName: 'shop_app',
  DatabaseName: 'shop',
  Pid: 36114,
  ClientAddr: '10.0.12.7:51234',
  SessionId: '69a43c00.8d12',
  SeqNum: 17n,
  PsDisplay: 'INSERT',
  SessionStart: '2026-03-01 12:58:02 CET',
  Vxid: '5/10231',
  Txid: 918273n,
  ELevel: 21,
  SQLState: '23505',
  ErrMessage: 'duplicate key value violates unique constraint "orders_pkey"',
  ErrDetail: 'Key (id)=(48210) already exists.',
  ErrHint: 'Choose another "id".',
  InternalQuery: 'INSERT INTO orders SELECT * FROM staged',
  InternalQueryPos: 13,
  ErrContext:
    'SQL statement "INSERT INTO orders SELECT * FROM staged"\nPL/pgSQL function load() line 3 at SQL statement',
  UserQuery: "SELECT load() /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/",
  UserQueryPos: 8,
  FileErrPos: '_bt_check_unique, nbtinsert.c:664',
  ApplicationName: 'web',
  TimeMicros: 1772366400001234n,
  SessionStartMicros: 1772366282000000n,
  BackendType: 'parallel worker',
  LeaderPid: 36100,
  QueryId: -8637085003156352615n,
  MessageId: 'duplicate key value violates unique constraint "%s"',
  SchemaName: 'public',
  TableName: 'orders',
  ColumnName: 'id',
  DataTypeName: 'order_id',
  ConstraintName: 'orders_pkey',
  Backtrace: '\n\tpostgres: shop_app shop(+0x1f2e) [0x55d]\n\tpostgres: main(+0x10) [0x55e]',
  Encoding: 'UTF8',
  Flags: 1,
  OriginalBytes: 1048577n,
}

const BAD_UTF8: readonly (readonly number[])[] = [
  [0x61, 0xe9, 0x62],
  [0xff, 0xfe],
  [0xc0, 0x80, 0x21],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82, 0x22, 0xe2],
]

const CONTROL = Uint8Array.from({ length: 31 }, (_, i) => i + 1)

/** Text by its encoding, as bytes; the last two are encodings without a table. */
const ENCODED: readonly (readonly [string, readonly number[]])[] = [
  ['LATIN1', [0x63, 0x61, 0x66, 0xe9, 0x85]],
  ['LATIN5', [0xfe, 0xdd, 0xf0]],
  ['LATIN9', [0xa4, 0xe9]],
  ['EUC_JP', [0xb4, 0xfc, 0xb4, 0xd6]],
  ['SJIS', [0x8a, 0xfa, 0x8a, 0xd4, 0xb6]],
  ['WIN1251', [0xee, 0xf8, 0xe8, 0xe1, 0xea, 0xe0]],
  ['KOI8R', [0xcf, 0xdb, 0xc9, 0xc2, 0xcb, 0xc1]],
  ['GB18030', [0xba, 0xc4, 0x81, 0x30, 0x81, 0x30]],
  ['SQL_ASCII', [0xc3, 0xa9, 0xe9]],
  ['EUC_TW', [0x61, 0xc4, 0xe3]],
  ['constructor', [0x61, 0xc4]],
]

const ADDRESSES = [
  ...['10.0.12.7:51234', '10.0.12.7', '[local]', '', 'localhost:1', 'db.example:65536'],
  ...[
    '::1:40312',
    '::1',
    ':::5432',
    'fe80::1%eth0:5432',
    '2001:db8:0:0:0:0:0:1:5432',
    '2001:db8:0:0:0:0:0:1',
  ],
  ...['::ffff:10.0.0.1:5432', '0:0:0:0:0:ffff:10.0.0.1:5432'],
]

const POSITIONS = [
  ...[
    'exec_simple_query, postgres.c:1370',
    'postgres.c:1370',
    'postgres.c',
    '',
    'C:\\x.c:12',
    'main, C:\\src\\x.c:0',
  ],
  ...[
    'ns::f(int, const char *), file.cpp:7',
    'std::map<int, int>::operator[], map.h:88',
    'f, x.c:1234567890',
  ],
]

const NOT_DURATIONS = [
  'checkpoint complete: wrote 3 buffers (0.0%); write=0.003 s, sync=0.002 s, total=0.015 s; longest=0.001 s',
  'disconnection: session time: 0:00:00.006 user=postgres database=l1 host=[local]',
  'took 1.234 ms',
  'duration: 1.23 ms',
]

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const STATEMENTS = [
  `SELECT 1 /*action='%2Fcart',traceparent='00-${TRACE_ID}-${SPAN_ID}-01'*/`,
  `SELECT 1 /* traceparent=00-${TRACE_ID}-${SPAN_ID}-00 */`,
  `/* traceparent: 00-${TRACE_ID}-${SPAN_ID}-01 */ SELECT 1`,
  `SELECT 1 /*traceparent='00-${'0'.repeat(32)}-${SPAN_ID}-01'*/`,
  `SELECT 1 /*traceparent='00-${TRACE_ID}-${'0'.repeat(16)}-01'*/`,
  `SELECT 1 /*traceparent='ff-${TRACE_ID}-${SPAN_ID}-01'*/`,
  `SELECT 1 /*traceparent='00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01'*/`,
  `INSERT INTO t VALUES ('traceparent=00-${TRACE_ID}-${SPAN_ID}-01') /* not in here */`,
]

const SEVERITIES = [
  'DEBUG5',
  'DEBUG1',
  'INFO',
  'NOTICE',
  'LOG',
  'WARNING',
  'ERROR',
  'FATAL',
  'PANIC',
] as const

/** A message of each kind that a catalogue has, with its number and names filled in. */
const durationsOf = (catalogue: typeof durations.C): Uint8Array[] =>
  Object.entries(catalogue).map(([kind, format], i) => {
    const ErrMessage = format.replace('%s', `${i}.12${i}`).replaceAll(/%[su]/g, '<unnamed>')
    return log1({ ErrMessage, ApplicationName: kind })
  })

const EXTREMES = [
  INT64_MIN,
  -(2n ** 53n) - 1n,
  -(2n ** 53n) + 1n,
  -1n,
  0n,
  2n ** 53n - 1n,
  2n ** 53n + 1n,
  INT64_MAX,
]

/** Every golden stream by the name of its file. */
export const GOLDEN_STREAMS: Readonly<Record<string, () => Uint8Array[]>> = {
  'v1-every-field': () => [...v1(), encodeLog(FULL, 1)],
  'v2-every-field': () => [...v2(), encodeLog(FULL, 2)],
  'v2-without-ring': () => [...v2().slice(0, 2), encodeLog(FULL, 2)],
  'absent-and-empty': () => {
    const texts = [
      'UserName',
      'DatabaseName',
      'ClientAddr',
      'PsDisplay',
      'Vxid',
      'SQLState',
      'ErrMessage',
      'ErrDetail',
    ]
    const more = [
      'ErrHint',
      'InternalQuery',
      'ErrContext',
      'UserQuery',
      'FileErrPos',
      'ApplicationName',
      'BackendType',
    ]
    const added = [
      'MessageId',
      'SchemaName',
      'TableName',
      'ColumnName',
      'DataTypeName',
      'ConstraintName',
      'Backtrace',
    ]
    const empty = Object.fromEntries([...texts, ...more, ...added].map((name) => [name, '']))
    const positions = { InternalQueryPos: 0, UserQueryPos: 0 }
    return [
      ...[...v1('9.2.4', ''), encodeLog({}, 1), encodeLog({ ...empty, ...positions }, 1)],
      ...[...v2(), encodeLog({}, 2), encodeLog({ ...empty, ...positions }, 2)],
    ]
  },
  int64: () =>
    EXTREMES.flatMap((value) => [
      ...v2(value < 0n ? 0n : value, value < 0n ? INT64_MAX : value),
      log2({ SeqNum: value, Txid: value, QueryId: value, Flags: 1, OriginalBytes: value }),
    ]),
  text: () => [
    ...v1(),
    ...BAD_UTF8.map((bytes) =>
      log1({ UserName: Uint8Array.from(bytes), ErrMessage: Uint8Array.from(bytes) }),
    ),
    log1({ UserName: CONTROL, ErrMessage: '"\\/\x7f\u0080\u2028\ufeff😀' }),
  ],
  encodings: () => [
    ...v2(),
    ...ENCODED.map(([Encoding, bytes]) =>
      log2({
        Encoding,
        ApplicationName: Encoding,
        UserName: Uint8Array.from(bytes),
        ErrMessage: Uint8Array.from(bytes),
      }),
    ),
  ],
  addresses: () => [...v1(), ...ADDRESSES.map((ClientAddr) => log1({ ClientAddr }))],
  'file-positions': () => [...v1(), ...POSITIONS.map((FileErrPos) => log1({ FileErrPos }))],
  'durations-v1': () => [
    ...v1(),
    ...Object.values(durations).flatMap(durationsOf),
    log1({ ErrMessage: Buffer.from('durée : 0.250 ms, analyse <unnamed> : select 1', 'latin1') }),
    ...NOT_DURATIONS.map((ErrMessage) => log1({ ErrMessage })),
  ],
  'durations-v2': () => [
    ...v2(),
    ...Object.values(durations.C).map((MessageId, i) =>
      log2({
        ErrMessage: `ei! 00${i}.050 mili  ${i}`,
        MessageId,
        ApplicationName: 'a language that nobody knows',
      }),
    ),
    ...NOT_DURATIONS.map((ErrMessage) => log2({ ErrMessage, MessageId: '%s' })),
    log2({ ErrMessage: 'duration: 1.234 ms', MessageId: 'an extension says: %s' }),
  ],
  traces: () => [
    ...v2(),
    ...STATEMENTS.map((UserQuery) => log2({ UserQuery })),
    log2({ ErrMessage: `duration: 1.000 ms  statement: ${STATEMENTS[0]}`, MessageId: durations.C.statement }),
    log2({ ErrMessage: STATEMENTS[0]!, UserQuery: 'SELECT 2 /* the statement decides */' }),
  ],
  truncated: () => [
    ...v2(),
    log2({ Flags: 0, OriginalBytes: 0n }),
    log2({ Flags: 1, OriginalBytes: 5_000_000_000n }),
    log2({ Flags: 2, OriginalBytes: 7n }),
  ],
  severities: () =>
    [['13.1', 13] as const, ['14.9', 14] as const, ['18.0', 18] as const, ['19rc1', 19] as const].flatMap(
      ([server, major]) => [
        ...v1(server, `pg${major}`),
        ...SEVERITIES.map((name) => log1({ ELevel: elevelOf(major, name), ApplicationName: name })),
        ...[0, 16, 20, 23, 24, 25].map((ELevel) => log1({ ELevel, ApplicationName: String(ELevel) })),
      ],
    ),
  sqlstates: () => [
    ...v1(),
    ...['00000', '23505', '25P04', 'XX000', 'ZZ999', '', '235', '235051', '"\\\n\u0001é'].map((SQLState) =>
      log1({ SQLState }),
    ),
  ],
  sequences: () => [
    ...v2(5n),
    encodeAcknowledgement({ bootId: BOOT, sequence: 4n }),
    log2({ ApplicationName: 'five' }),
    encodeHeartbeat(),
    log2({ ApplicationName: 'six' }),
    encodeDropped({ firstSequence: 7n, count: 100n, elevel: 15, reason: 'queue_full' }),
    log2({ ApplicationName: 'one hundred and seven' }),
    ...v2(0n, -1n),
    log2({ ApplicationName: 'another boot' }),
  ],
}
