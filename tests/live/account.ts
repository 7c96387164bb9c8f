import { encodeIdentity, encodeRing, encodeVersion } from '../../src/codec/control.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'

/** Records that are told apart, and what a destination has of them. */

export const RECORDS = 100_000

/** Of the sender's start: the first part of every unique id. */
const BOOT = 0x1122334455667788n

/** A record as a destination has it. */
export interface Arrival {
  readonly uid: string
  readonly message: string
}

/** Every how many records there is an error. */
const ERROR_EVERY = 40
const SESSIONS = 10

const isError = (n: number): boolean => n % ERROR_EVERY === 0

const messageOf = (n: number): string =>
  isError(n)
    ? `duplicate key value violates unique constraint "orders_${n}"`
    : `duration: ${n}.345 ms  statement: SELECT o.id, o.total FROM orders o WHERE o.customer_id = ${n} AND o.state = 'open'`

/** The n-th record; a millisecond behind the one before, and of today: some destinations take no others. */
function fieldsOf(n: number, firstMs: number): LogFields {
  const ms = firstMs + n
  return {
    LogTime: new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC'),
    TimeMicros: BigInt(ms) * 1000n,
    UserName: 'shop_app',
    DatabaseName: 'shop',
    Pid: 36_000 + (n % SESSIONS),
    ClientAddr: '10.0.12.7:51234',
    SessionId: `69a43c00.${n % SESSIONS}`,
    SeqNum: BigInt(Math.floor(n / SESSIONS) + 1),
    PsDisplay: 'SELECT',
    ELevel: isError(n) ? 21 : 15,
    SQLState: isError(n) ? '23505' : '00000',
    ErrMessage: messageOf(n),
    MessageId: isError(n)
      ? 'duplicate key value violates unique constraint "%s"'
      : 'duration: %s ms  statement: %s',
    ApplicationName: 'web',
    BackendType: 'client backend',
    Encoding: 'UTF8',
  }
}

let recorded: Buffer | undefined

/** All of them as a sender's stream; their sequences begin at 1. */
export function recording(): Buffer {
  recorded ??= framesFrom(Date.now() - RECORDS)
  return recorded
}

const framesFrom = (firstMs: number): Buffer =>
  Buffer.concat([
    encodeVersion({ server: '15.20', protocol: 2 }),
    encodeIdentity('shop-db-1'),
    encodeRing({ bootId: BOOT, nextSequence: 1n }),
    ...Array.from({ length: RECORDS }, (_, i) => encodeLog(fieldsOf(i + 1, firstMs), 2)),
  ])

/** What a destination has, by `uid`. */
export class Account {
  /** Arrivals that are none of the records: another id, or one that belongs to another message. */
  readonly strangers: Arrival[] = []
  /** By sequence. */
  readonly #times = new Uint32Array(RECORDS + 1)

  take(arrivals: Iterable<Arrival>): void {
    for (const arrival of arrivals) {
      const n = sequenceIn(arrival.uid)
      if (arrival.message === messageOf(n) && n >= 1 && n <= RECORDS) this.#times[n]!++
      else if (this.strangers.length < 10) this.strangers.push(arrival)
    }
  }

  /** How many are not there. */
  get lost(): number {
    return this.#times.subarray(1).reduce((lost, times) => lost + Number(times === 0), 0)
  }

  /** How many are there that were there before. */
  get repeated(): number {
    return this.#times.reduce((repeated, times) => repeated + Math.max(0, times - 1), 0)
  }
}

const PREFIX = `${BOOT.toString(16)}-`
const sequenceIn = (uid: string): number => (uid.startsWith(PREFIX) ? Number(uid.slice(PREFIX.length)) : 0)
