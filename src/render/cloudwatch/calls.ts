import { envelopeBody } from '../envelope.ts'
import { eventMillis } from './event.ts'

/** A call takes events of less than a day. */
const DAY_MS = 24 * 60 * 60 * 1000

/** Events of one call to PutLogEvents, in the order in which they go there. */
export interface PutCall {
  readonly stream: string
  /** Of each event, the index of its record in the batch. */
  readonly indexes: readonly number[]
  readonly body: Uint8Array
}

/** Records in envelopes (SourceHead, CloudWatchEventEncoder), as a batch holds them. */
interface Envelopes {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

/** One event: where it lies in the batch, and when it was. */
interface Event {
  readonly index: number
  readonly millis: number
  readonly bytes: Uint8Array
}

/**
 * The calls that take a batch: one for each stream and each day, every one in the order of time. Records of the same
 * millisecond keep their order.
 *
 * @param streamOf the stream of a server, by its identity
 */
export function putCalls(
  batch: Envelopes,
  group: string,
  streamOf: (identity: string) => string,
): readonly PutCall[] {
  return [...eventsByStream(batch, streamOf)].flatMap(([stream, events]) => {
    if (!isAscending(events)) events.sort((a, b) => a.millis - b.millis)
    return daysOf(events).map((day) => ({
      stream,
      indexes: day.map(({ index }) => index),
      body: bodyOf(day, group, stream),
    }))
  })
}

function eventsByStream(
  { bytes, ends }: Envelopes,
  streamOf: (identity: string) => string,
): Map<string, Event[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const streams = new Map<string, Event[]>()
  let lastHead: Buffer | undefined
  let events: Event[] = []
  let start = 0
  for (let index = 0; index < ends.length; index++) {
    const body = envelopeBody(view, start)
    const head = Buffer.from(bytes.buffer, bytes.byteOffset + start + 4, body - start - 4)
    if (lastHead === undefined || !lastHead.equals(head)) {
      lastHead = head
      const [identity] = head.toString().split('\0') as [string]
      const stream = streamOf(identity)
      events = streams.get(stream) ?? []
      streams.set(stream, events)
    }
    events.push({ index, millis: eventMillis(bytes, body), bytes: bytes.subarray(body, ends[index]!) })
    start = ends[index]!
  }
  return streams
}

const isAscending = (events: readonly Event[]): boolean =>
  events.every(({ millis }, i) => i === 0 || events[i - 1]!.millis <= millis)

function daysOf(events: readonly Event[]): Event[][] {
  const days: Event[][] = []
  for (const event of events) {
    const day = days.at(-1)
    if (day !== undefined && event.millis - day[0]!.millis < DAY_MS) day.push(event)
    else days.push([event])
  }
  return days
}

function bodyOf(events: readonly Event[], group: string, stream: string): Uint8Array {
  const names = `"logGroupName":${JSON.stringify(group)},"logStreamName":${JSON.stringify(stream)}`
  return Buffer.concat([
    Buffer.from(`{${names},"logEvents":[`),
    ...events.slice(0, -1).map(({ bytes }) => bytes),
    // Without the comma behind the last one.
    events.at(-1)!.bytes.subarray(0, -1),
    Buffer.from(']}'),
  ])
}
