import { eventIdAt } from './event.ts'
import { MOST_ITEM_BYTES } from './items.ts'

/** Log items in one envelope, at the most; Sentry's own limit. */
const MOST_LOGS = 100

/** A stretch of the bytes of a batch. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** What an envelope holds besides its items. */
export interface Sdk {
  readonly name: string
  readonly version: string
}

const CONTENT_TYPE = 'application/vnd.sentry.items.log+json'
/** In the second version Sentry takes nothing of the request for an attribute, such as the address that it came from. */
const LOGS = Buffer.from('{"version":2,"items":[')
const END_LOGS = Buffer.from(']}\n')
const NEWLINE = Buffer.from('\n')
/** What stands around the items of a list. */
const AROUND = LOGS.length + END_LOGS.length

const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

/** An envelope of one event, as of now. */
export function eventEnvelope(bytes: Uint8Array, { from, to }: Stretch, sdk: Sdk): Uint8Array {
  const head = { event_id: eventIdAt(bytes, from), sent_at: new Date().toISOString(), sdk }
  return Buffer.concat([
    line(head),
    line({ type: 'event', length: to - from }),
    bytes.subarray(from, to),
    NEWLINE,
  ])
}

/** An envelope of log items, each with a comma behind it, as of now. */
export function logEnvelope(bytes: Uint8Array, logs: readonly Stretch[], sdk: Sdk): Uint8Array {
  const items = logs.map(({ from, to }, index) =>
    bytes.subarray(from, index === logs.length - 1 ? to - 1 : to),
  )
  const length = items.reduce((sum, item) => sum + item.length, AROUND - NEWLINE.length)
  const item = { type: 'log', item_count: logs.length, content_type: CONTENT_TYPE, length }
  return Buffer.concat([
    line({ sent_at: new Date().toISOString(), sdk }),
    line(item),
    LOGS,
    ...items,
    END_LOGS,
  ])
}

/** Cuts log items into lists that an envelope takes. */
export function logLists<T extends Stretch>(logs: readonly T[]): T[][] {
  const lists: T[][] = []
  let list: T[] = []
  let size = AROUND
  for (const log of logs) {
    const length = log.to - log.from
    if (list.length === 0 || list.length === MOST_LOGS || size + length > MOST_ITEM_BYTES + AROUND) {
      list = []
      lists.push(list)
      size = AROUND
    }
    list.push(log)
    size += length
  }
  return lists
}
