import { writeSync } from 'node:fs'
import { encodeIdentity, encodeRing, encodeVersion } from '../src/codec/control.ts'
import { encodeLog, type LogFields } from '../src/codec/log.ts'

/**
 * Records like those of a busy shop: mostly statements with their duration, now and then a connection, a checkpoint, an
 * error with its detail. About 400 bytes a frame, the same for every call.
 */

const BASE: LogFields = {
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
  FileErrPos: 'exec_simple_query, postgres.c:1370',
  ApplicationName: 'web',
  TimeMicros: 1772366400001234n,
  SessionStartMicros: 1772366282000000n,
  BackendType: 'client backend',
  Encoding: 'UTF8',
}

const DURATION: LogFields = {
  ...BASE,
  ErrMessage:
    "duration: 12.345 ms  statement: SELECT o.id, o.total FROM orders o WHERE o.customer_id = 48210 AND o.state = 'open'",
  MessageId: 'duration: %s ms  statement: %s',
  QueryId: -8637085003156352615n,
}

const ERROR: LogFields = {
  ...BASE,
  PsDisplay: 'INSERT',
  ELevel: 21,
  SQLState: '23505',
  ErrMessage: 'duplicate key value violates unique constraint "orders_pkey"',
  ErrDetail: 'Key (id)=(48210) already exists.',
  UserQuery: 'INSERT INTO orders (id, total) VALUES (48210, 12.50)',
  FileErrPos: '_bt_check_unique, nbtinsert.c:664',
  MessageId: 'duplicate key value violates unique constraint "%s"',
  SchemaName: 'public',
  TableName: 'orders',
  ConstraintName: 'orders_pkey',
  Txid: 918273n,
}

const CHECKPOINT: LogFields = {
  ...BASE,
  UserName: null,
  DatabaseName: null,
  ClientAddr: null,
  PsDisplay: '',
  ErrMessage:
    'checkpoint complete: wrote 3 buffers (0.0%); 0 WAL file(s) added, 0 removed, 0 recycled; write=0.003 s, sync=0.002 s, total=0.015 s; sync files=2, longest=0.001 s, average=0.001 s; distance=0 kB, estimate=0 kB',
  FileErrPos: 'LogCheckpointEnd, xlog.c:6135',
  ApplicationName: '',
  BackendType: 'checkpointer',
}

/** Records by their place in a round of 100: 2 errors, 1 checkpoint, the rest statements. */
const recordAt = (place: number): LogFields =>
  place === 50 ? CHECKPOINT : place % 40 === 7 ? ERROR : DURATION

/** Writes a logfebe-2 dump (or, with `protocol` 1, a logfebe-1 one) of `count` records to an open file. */
export function writeDump(fd: number, count: number, protocol: 1 | 2 = 2): number {
  const head = [
    encodeVersion({ server: '15.20 (Debian 15.20-0+deb12u1)', protocol }),
    encodeIdentity('shop-db-1'),
  ]
  if (protocol === 2) head.push(encodeRing({ bootId: 0x1122334455667788n, nextSequence: 1n }))
  let bytes = writeSync(fd, Buffer.concat(head))
  const rounds = Array.from({ length: 100 }, (_, round) => roundOf(round, protocol))
  let written = 0
  for (let round = 0; written < count; round++) {
    const size = Math.min(100, count - written)
    bytes += writeSync(fd, Buffer.concat(rounds[round % 100]!.slice(0, size)))
    written += size
  }
  return bytes
}

function roundOf(round: number, protocol: 1 | 2): Uint8Array[] {
  return Array.from({ length: 100 }, (_, place) =>
    encodeLog({ ...recordAt(place), SeqNum: BigInt(round * 100 + place + 1), Pid: 36000 + place }, protocol),
  )
}
