import { BlockStream, type Step } from './block-stream.ts'
import { FeedHeader, type FeedRequest, formatFeedRequest } from './request.ts'

/** What a listener sends, once it has agreed to. */
export interface Feed {
  /** Tells its journal from every other. */
  readonly journalId: string
  readonly kind: 'disk' | 'memory'
  /** Position of the oldest entry, when the request was answered. */
  readonly start: number
  /** Position behind the newest, when the request was answered. */
  readonly end: number
  /** Position that the stream begins at. */
  readonly first: number
  /** Position of the entry that comes next. */
  readonly position: number
  /**
   * What it sends, a step at a time; what is not asked for stays with the listener.
   *
   * @throws when the connection breaks
   */
  steps(): AsyncGenerator<Step>
  /** Wants no more. */
  close(): Promise<void>
}

/** The listener's answer to a request that it does not grant. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

/** A listener says who it is in milliseconds, unless it is very busy. */
const TIMEOUT_MS = 10_000

/**
 * Asks the listener behind a control socket for its records.
 *
 * @throws the system's error when nobody answers
 */
export async function openFeed(
  path: string,
  request: FeedRequest,
  stop?: AbortSignal,
): Promise<Feed | Refusal> {
  const abort = new AbortController()
  const signal = stop === undefined ? abort.signal : AbortSignal.any([stop, abort.signal])
  const timer = setTimeout(() => abort.abort(new DOMException('no answer', 'TimeoutError')), TIMEOUT_MS)
  try {
    const response = await fetch(`http://pgturret/tail${formatFeedRequest(request)}`, {
      unix: path,
      redirect: 'error',
      signal,
      timeout: false,
    } as BunFetchRequestInit)
    const journalId = response.headers.get(FeedHeader.Journal)
    if (!response.ok || response.body === null || journalId === null) {
      const message = (await response.text()).slice(0, 200).trim()
      return { status: response.ok ? 404 : response.status, message }
    }
    return await feedOf(response, response.body, journalId, abort)
  } finally {
    clearTimeout(timer)
  }
}

async function feedOf(
  { headers }: Response,
  body: ReadableStream<Uint8Array>,
  journalId: string,
  abort: AbortController,
): Promise<Feed> {
  const stream = new BlockStream()
  const reader = body.getReader()
  // It says at once where it begins.
  let step: Step | undefined
  while (stream.first === undefined) {
    const { done, value } = await reader.read()
    if (done) throw new Error('the listener ended the connection')
    stream.push(value)
    step = stream.next()
  }
  return {
    journalId,
    kind: headers.get(FeedHeader.Kind) === 'memory' ? 'memory' : 'disk',
    start: Number(headers.get(FeedHeader.Start)),
    end: Number(headers.get(FeedHeader.End)),
    first: stream.first,
    get position() {
      return stream.position!
    },
    async *steps() {
      for (;;) {
        for (step ??= stream.next(); step !== undefined; step = stream.next()) yield step
        const { done, value } = await reader.read()
        if (done) return
        stream.push(value)
      }
    },
    close: async () => {
      abort.abort()
      await reader.cancel().catch(() => undefined)
    },
  }
}
