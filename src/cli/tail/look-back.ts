import type { Wanted } from '../../ingest/stream.ts'
import type { Feed, Refusal } from '../../live/client.ts'
import type { FeedRequest } from '../../live/request.ts'
import { BlockShow } from './block-show.ts'

/** What is asked for at first, and how far back is looked at the most: in records, wanted or not. */
const FIRST_RECORDS = 10_000
const MOST_RECORDS = 1_000_000

/** Where the last wanted records begin. */
export interface LookBack {
  /** Position to begin at. */
  readonly from: number
  /** Wanted records behind it that are too many. */
  readonly surplus: number
  /** Wanted records that were found. */
  readonly found: number
  /** Records that were looked at; undefined when there are no more. */
  readonly looked: number | undefined
}

/**
 * Looks for the last wanted records of a journal, from its end backwards, in stretches that grow.
 *
 * @param open asks the listener
 * @param start position of the first entry that comes into question
 * @param end position behind the last one
 */
export async function lookBack(
  open: (request: FeedRequest) => Promise<Feed | Refusal>,
  wanted: Wanted,
  lines: number,
  start: number,
  end: number,
): Promise<LookBack> {
  let from = end
  let found = 0
  for (let length = FIRST_RECORDS; from > start && found < lines && end - from < MOST_RECORDS; length *= 4) {
    const least = Math.max(start, end - MOST_RECORDS, from - length)
    const feed = await open({ from: least, to: from })
    if ('status' in feed) break
    found += await count(feed, wanted, from)
    from = least
  }
  const looked = found < lines && from > start ? end - from : undefined
  return { from, surplus: Math.max(0, found - lines), found: Math.min(found, lines), looked }
}

async function count(feed: Feed, wanted: Wanted, upTo: number): Promise<number> {
  let count = 0
  const show = new BlockShow({ record: () => void count++ }, wanted)
  for await (const { block } of feed.steps()) if (block !== undefined) show.take(block, upTo)
  return count
}
