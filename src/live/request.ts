/** What a viewer asks for, as the query of `GET /tail`. */
export interface FeedRequest {
  /** Position to begin at. */
  readonly from?: number | undefined
  /** Entries before the end to begin at. */
  readonly last?: number | undefined
  /** Begin with what was received at this time, in milliseconds since 1970. */
  readonly since?: number | undefined
  /** Position to end at; `end`: what is there when the request comes. Without it the stream goes on. */
  readonly to?: number | 'end' | undefined
}

const KEYS = ['from', 'last', 'since', 'to'] as const

/** The query for a request, with its question mark. */
export function formatFeedRequest(request: FeedRequest): string {
  const given = KEYS.flatMap((key) => (request[key] === undefined ? [] : [`${key}=${request[key]}`]))
  return given.length === 0 ? '' : `?${given.join('&')}`
}

/** Reads a query; a sentence when it cannot be meant. */
export function parseFeedRequest(query: URLSearchParams): FeedRequest | string {
  const request: { -readonly [K in keyof FeedRequest]: FeedRequest[K] } = {}
  for (const [key, text] of query) {
    const known = KEYS.find((one) => one === key)
    if (known === undefined) return `"${key}" is not known; there are ${KEYS.join(', ')}`
    const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined
    if (known === 'to' && text === 'end') request.to = 'end'
    else if (value !== undefined) request[known] = value
    else return `${key}: expected a number`
  }
  const begins = [request.from, request.last, request.since].filter((one) => one !== undefined)
  return begins.length > 1 ? 'from, last and since exclude each other' : request
}

/** Names of the headers by which a listener says what its journal holds. */
export const FeedHeader = {
  /** Tells journals apart: positions of one mean nothing in another. */
  Journal: 'pgturret-journal',
  /** `disk` or `memory`. */
  Kind: 'pgturret-journal-kind',
  /** Position of the oldest entry. */
  Start: 'pgturret-start',
  /** Position behind the newest. */
  End: 'pgturret-end',
} as const
