import { SEVERITIES } from '../../codec/severity.ts'
import { recodeToUtf8 } from '../../record/recode.ts'
import type { Room } from '../../record/room.ts'
import { shorten } from '../../record/shorten.ts'
import type { Source } from '../../record/source.ts'
import { type TraceContext, traceContextOf } from '../../record/trace.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'
import { LogRecordEncoder } from '../otlp/log-record.ts'
import { eventIdAt, SentryEventEncoder, type SentryOrigin } from './event.ts'
import { mixed, SentryIds } from './ids.ts'
import { sentryLogWire } from './log-wire.ts'
import { PrivateFields, type Shown } from './private-fields.ts'

/** How records become Sentry's. */
export interface SentryItemOptions extends SentryOrigin {
  /** From which severity on records are events. */
  readonly events: 'error' | 'fatal' | 'none'
  /** Whether log items are wanted. */
  readonly logs: 'all' | 'none'
  /** How many of a hundred events are sent as such. */
  readonly samplePercent: number
  readonly shown: Shown
  /** Microseconds since 1970. */
  readonly now: () => number
}

/** Sentry refuses what is larger, of an event and of a log alike. */
export const MOST_ITEM_BYTES = 1_000_000

/** Bytes in front of a record's items: the length of its event, little-endian. */
const LENGTH_BYTES = 4
const NEWLINE = 0x0a
/** What a text may take of an item, tried one after the other: an event has its message three times. */
const SHARES = [0.4, 0.3, 0.2, 0.1, 0.04, 0.02]

/**
 * Writes each record as what may become of it; which it is decides whoever sends it, as that depends on how many there are:
 *
 *     int32 LE   length of the event
 *     bytes      the event, where the record can be one
 *     bytes      the log item, where logs are wanted, with a comma behind it
 *     1 byte     line end
 */
export class SentryItemEncoder implements Encoder {
  readonly #options: SentryItemOptions
  readonly #least: number
  readonly #event: SentryEventEncoder
  readonly #log: LogRecordEncoder
  /** For records that could be events: their log items say that they are none. */
  readonly #eventAsLog: LogRecordEncoder
  readonly #private: PrivateFields
  #trace: TraceContext | undefined

  constructor(options: SentryItemOptions) {
    const { events, now, environment, release, serverName } = options
    const ids = new SentryIds()
    const wire = sentryLogWire(ids, now)
    const shared = (source: Source): Record<string, string> => {
      const name = serverName ?? source.identity
      return {
        'sentry.environment': environment,
        ...(release && { 'sentry.release': release }),
        ...(name && { 'server.address': name }),
      }
    }
    const common = { fatalAs: 'fatal', now, traceOf: () => this.#trace } as const
    this.#options = options
    this.#least =
      events === 'none'
        ? Number.POSITIVE_INFINITY
        : SEVERITIES.indexOf(events === 'error' ? 'ERROR' : 'FATAL')
    this.#event = new SentryEventEncoder(ids, options)
    this.#log = new LogRecordEncoder(wire, { ...common, shared })
    const marked = (source: Source) => ({ ...shared(source), 'pgturret.event': 'no' })
    this.#eventAsLog = new LogRecordEncoder(wire, { ...common, shared: marked })
    this.#private = new PrivateFields(options.shown)
  }

  begin(): void {
    this.#log.begin()
    this.#eventAsLog.begin()
  }

  room(record: RecordView): number {
    const event = this.#isEvent(record) ? this.#event.room(record) : 0
    return LENGTH_BYTES + event + this.#eventAsLog.room(record) + 1
  }

  encode(given: RecordView, out: Room, start: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    // Before its statement is hidden, which names it.
    this.#trace = traceContextOf(record)
    this.#private.hide(record)
    try {
      const eventEnd = this.#writeEvent(record, out, start + LENGTH_BYTES)
      out.words.setInt32(start, eventEnd - start - LENGTH_BYTES, true)
      const end = this.#options.logs === 'all' ? this.#writeLog(record, out, eventEnd) : eventEnd
      out.bytes[end] = NEWLINE
      return end + 1
    } finally {
      this.#private.restore(record)
    }
  }

  #isEvent(record: RecordView): boolean {
    const rank = record.severityRank()
    return rank >= this.#least && rank < SEVERITIES.length - 1
  }

  #writeEvent(record: RecordView, out: Room, at: number): number {
    if (!this.#isEvent(record)) return at
    const now = this.#options.now()
    const end = withinLimit(record, at, (one) => this.#event.encode(one, out, at, this.#trace, now))
    return this.#isSampled(out.bytes, at) ? end : at
  }

  #writeLog(record: RecordView, out: Room, at: number): number {
    const encoder = this.#isEvent(record) ? this.#eventAsLog : this.#log
    return withinLimit(record, at, (one) => encoder.encode(one, out, at))
  }

  /** By its id: an event that is sent again is sampled again. */
  #isSampled(bytes: Uint8Array, event: number): boolean {
    const { samplePercent } = this.#options
    if (samplePercent === 100) return true
    return mixed(Number.parseInt(eventIdAt(bytes, event).slice(-8), 16)) % 100 < samplePercent
  }
}

/** Writes a record at `start`, with its texts cut where it would be larger than Sentry takes. */
function withinLimit(record: RecordView, start: number, write: (record: RecordView) => number): number {
  let end = write(record)
  for (const share of SHARES) {
    if (end - start <= MOST_ITEM_BYTES) break
    end = write(shorten(record, MOST_ITEM_BYTES * share))
  }
  return end
}

/** Where the items of the record that lies at `start` begin and end. */
export interface SentryItems {
  readonly event: number
  /** The log item, and the end of the event. */
  readonly log: number
  readonly end: number
}

/** Takes apart what `SentryItemEncoder` wrote. */
export function itemsAt(view: DataView, start: number, end: number): SentryItems {
  const event = start + LENGTH_BYTES
  return { event, log: event + view.getInt32(start, true), end: end - 1 }
}
