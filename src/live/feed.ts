import type { Journal } from '../journal/journal.ts'
import { FeedHeader, type FeedRequest, parseFeedRequest } from './request.ts'
import { Viewer, type ViewerLimits } from './viewer.ts'

/** What a feed shows, and to how many. */
export interface FeedOptions {
  readonly journal: Journal
  /** Tells this journal from every other. */
  readonly journalId: string
  /** Most viewers at a time. */
  readonly mostViewers?: number
  readonly limits?: ViewerLimits
  readonly heartbeatMs?: number
}

/** A person has a few windows open; a program that opens more is mistaken. */
const MOST_VIEWERS = 16
/** Half a second of a listener's top speed: who is that far behind sees a flood, and wants its end. */
const LIMITS: ViewerLimits = { records: 200_000, bytes: 64 * 1024 ** 2, keptBytes: 8 * 1024 ** 2 }
const HEARTBEAT_MS = 30_000

/**
 * `GET /tail`: the journal as a stream of frames, for people who look on.
 *
 *     S                 position of the next record, and how many are left out in front of it
 *     V I [R] … K       a block of the journal as it is; its first records may lie before the position that was said
 *     H                 nothing has come for a while
 *
 * Records are not filtered here. To send them costs the listener 0.2 to 0.4 µs each (measured at its top speed); to look for
 * their severities would save about as much as it costs, and a filter that somebody wrote costs what he likes. The listener has
 * one thread and a database to keep up with; whoever looks on has a processor of his own.
 */
export class LiveFeed {
  readonly #options: FeedOptions
  readonly #viewers = new Set<Viewer>()

  /** @param options of a journal whose other readers are added later: what it forgets, it must not forget before a viewer saw it */
  constructor(options: FeedOptions) {
    this.#options = options
    options.journal.onReadable(() => {
      for (const viewer of this.#viewers) viewer.wake()
    })
  }

  /** Who looks on at the moment. */
  get viewers(): number {
    return this.#viewers.size
  }

  /** Answers a request. */
  async answer(query: URLSearchParams): Promise<Response> {
    const request = parseFeedRequest(query)
    if (typeof request === 'string') return new Response(`${request}\n`, { status: 400 })
    const { journal, journalId, mostViewers = MOST_VIEWERS } = this.#options
    const from = await this.#begin(request)
    if (this.#viewers.size >= mostViewers) {
      return new Response(`${this.#viewers.size} others look on already\n`, { status: 503 })
    }
    const viewer = this.#add(
      from,
      request.to === 'end' ? journal.end : (request.to ?? Number.POSITIVE_INFINITY),
    )
    const headers = {
      'content-type': 'application/octet-stream',
      [FeedHeader.Journal]: journalId,
      [FeedHeader.Kind]: journal.status().kind,
      [FeedHeader.Start]: String(journal.start),
      [FeedHeader.End]: String(journal.end),
    }
    // Nothing is made before it is asked for.
    const body = new ReadableStream(viewer, new ByteLengthQueuingStrategy({ highWaterMark: 0 }))
    return new Response(body, { headers })
  }

  async #begin({ from, last, since }: FeedRequest): Promise<number> {
    const { journal } = this.#options
    // A journal that cannot be searched is read from its beginning.
    const wanted =
      since === undefined
        ? (from ?? journal.end - (last ?? 0))
        : await journal.seek(since).catch(() => journal.start)
    // What is older than the oldest is said to be gone, where it was asked for by its position.
    const least = from === undefined ? journal.start : 0
    return Math.max(least, Math.min(wanted, journal.end))
  }

  #add(from: number, to: number): Viewer {
    const { journal, limits = LIMITS, heartbeatMs = HEARTBEAT_MS } = this.#options
    const viewer: Viewer = new Viewer({
      journal,
      forgets: journal.status().kind === 'memory',
      from,
      to: Math.min(to, Number.isFinite(to) ? journal.end : to),
      limits,
      heartbeatMs,
      closed: () => this.#viewers.delete(viewer),
    })
    this.#viewers.add(viewer)
    return viewer
  }
}
