import { systemClock } from '../../clock.ts'
import type { Wanted } from '../../ingest/stream.ts'
import type { Feed, Refusal } from '../../live/client.ts'
import { openFeed } from '../../live/client.ts'
import type { FeedRequest } from '../../live/request.ts'
import { countText } from '../../observe/amounts.ts'
import { noAnswer } from '../../observe/read-status.ts'
import type { RecordView } from '../../record/view.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { plural } from '../journal/text.ts'
import { BlockShow } from './block-show.ts'
import { lookBack } from './look-back.ts'
import type { Watcher } from './screen.ts'

/** What is to be seen of a listener. */
export interface ListenerTail {
  /** Its control socket. */
  readonly path: string
  readonly wanted: Wanted | undefined
  /** So many records of the past, the last ones; undefined for as many as there are since `sinceMs`. */
  readonly lines: number | undefined
  /** Milliseconds since 1970. */
  readonly sinceMs: number | undefined
  readonly untilMs: number | undefined
  /** Whether to go on at the end. */
  readonly follow: boolean
}

/** Waits between attempts to reach a listener that is gone: twice as long each time, up to a limit. */
const FIRST_RETRY_MS = 100
const MOST_RETRY_MS = 5000
/** Records reach the journal some time after they were written: what comes later than this is not waited for. */
const LATE_MS = 60_000
/** The same where nothing more comes at all. */
const LIVE_LATE_MS = 1000
/** Longest time that a timer can be set for. */
const MOST_WAIT_MS = 2 ** 31 - 1

const REASONS: Readonly<Record<string, string>> = {
  slow: 'they come faster than they can be shown',
  retention: 'the journal has them no more',
  damaged: 'they are damaged in the journal',
}

/**
 * Shows what a running listener receives: some of the past from its journal, and then what comes. A listener that is started
 * again is waited for; its journal says where to go on, so nothing is shown twice and nothing is missed.
 *
 * @param stop aborted on Ctrl-C
 * @returns the exit status
 */
export function tailListener(
  tail: ListenerTail,
  screen: Watcher,
  context: CommandContext,
  stop: AbortSignal,
): Promise<number> {
  return new Tailing(tail, screen, context, stop).run()
}

class Tailing {
  readonly #tail: ListenerTail
  readonly #screen: Watcher
  readonly #context: CommandContext
  /** Aborted on Ctrl-C, and when the time up to which records are wanted is over. */
  readonly #ended = new AbortController()
  readonly #show: BlockShow
  /** Wanted records that are passed over first. */
  #surplus = 0
  /** Where to go on, and in which journal. */
  #position = 0
  #journalId = ''
  #done = false

  constructor(tail: ListenerTail, screen: Watcher, context: CommandContext, stop: AbortSignal) {
    this.#tail = tail
    this.#screen = screen
    this.#context = context
    stop.addEventListener('abort', () => this.#ended.abort(), { once: true })
    if (stop.aborted) this.#ended.abort()
    const taker = {
      record: (record: RecordView) => {
        if (this.#surplus > 0) this.#surplus--
        else screen.record(record)
      },
      dropped: screen.dropped.bind(screen),
    }
    this.#show = new BlockShow(taker, tail.wanted)
  }

  async run(): Promise<number> {
    const first = await this.#begin()
    if (typeof first === 'string') {
      // Ctrl-C before it answered.
      if (this.#ended.signal.aborted) return ExitCode.Done
      this.#context.complain(`pgturret: ${first}\n`)
      return ExitCode.Usage
    }
    this.#endInTime()
    let feed: Feed | undefined = first
    while (feed !== undefined) {
      await this.#showAll(feed)
      feed = this.#over ? undefined : await this.#again()
    }
    await this.#screen.end()
    return ExitCode.Done
  }

  get #over(): boolean {
    return this.#done || this.#ended.signal.aborted || this.#screen.closed
  }

  /** The first connection; a sentence when there is none. */
  async #begin(): Promise<Feed | string> {
    try {
      const request = await this.#request()
      return typeof request === 'string' ? request : await this.#adopt(await this.#open(request))
    } catch (error) {
      return noListener(error as Error, this.#tail.path)
    }
  }

  #open(request: FeedRequest): Promise<Feed | Refusal> {
    return openFeed(this.#tail.path, request, this.#ended.signal)
  }

  /** Where to begin; a sentence when that cannot be found out. */
  async #request(): Promise<FeedRequest | string> {
    const { lines, sinceMs, wanted } = this.#tail
    const to = this.#endless ? {} : ({ to: 'end' } as const)
    if (lines === undefined) return { since: Math.max(0, Math.floor(sinceMs ?? 0)), ...to }
    if (wanted === undefined) return { last: lines, ...to }
    const probe = await this.#open({
      ...(sinceMs === undefined ? { from: 0 } : { since: Math.floor(sinceMs) }),
      to: 'end',
    })
    if ('status' in probe) return refusalText(probe, this.#tail.path)
    const { end } = probe
    const start = Math.max(probe.start, probe.first)
    await probe.close()
    const open = (request: FeedRequest) => this.#open(request)
    const { from, surplus, found, looked } = await lookBack(open, wanted, lines, start, end)
    if (looked !== undefined) {
      this.#context.log.info(
        `found ${countText(found)} among the last ${plural(looked, 'record')}; --since looks further back`,
      )
    }
    this.#surplus = surplus
    return { from, ...to }
  }

  get #endless(): boolean {
    const { follow, untilMs } = this.#tail
    return follow && (untilMs === undefined || untilMs > systemClock.now())
  }

  #adopt(answer: Feed | Refusal): Feed | string {
    if ('status' in answer) return refusalText(answer, this.#tail.path)
    const { lines, sinceMs } = this.#tail
    this.#journalId = answer.journalId
    if (answer.kind === 'memory' && (sinceMs !== undefined || (lines ?? 0) > answer.end - answer.start)) {
      this.#context.log.info(
        'the journal of this listener is in memory (--journal=memory): its past is what destinations still wait for',
      )
    }
    return answer
  }

  /** Shows what comes until the connection ends. */
  async #showAll(feed: Feed): Promise<void> {
    try {
      for await (const { block, skipped } of feed.steps()) {
        if (block === undefined)
          this.#screen.skipped(skipped.count, REASONS[skipped.reason] ?? skipped.reason)
        else {
          this.#show.take(block)
          this.#done ||= block.timeMs > (this.#tail.untilMs ?? Number.POSITIVE_INFINITY) + LATE_MS
        }
        this.#position = feed.position
        if (!(await this.#screen.ready()) || this.#done) break
      }
      // The listener has sent what was asked for; one that ends cuts the connection.
      if (!this.#endless) this.#done = true
    } catch (error) {
      if (!this.#over && !this.#endless)
        this.#context.log.error(`the listener is gone: ${(error as Error).message}`)
      if (!this.#endless) this.#done = true
    } finally {
      this.#position = feed.position
      await feed.close()
    }
  }

  /** A new connection that goes on where the last one ended; undefined when nobody wants it any more. */
  async #again(): Promise<Feed | undefined> {
    const { log } = this.#context
    log.info('the listener is gone; waiting for it')
    for (let wait = FIRST_RETRY_MS; !this.#over; wait = Math.min(wait * 2, MOST_RETRY_MS)) {
      await systemClock.sleep(wait, this.#ended.signal)
      const feed = await this.#open({ from: this.#position }).catch(() => undefined)
      if (feed === undefined || 'status' in feed) continue
      return await this.#resume(feed)
    }
    return undefined
  }

  async #resume(feed: Feed): Promise<Feed> {
    const { log } = this.#context
    if (feed.journalId === this.#journalId && feed.end >= this.#position) {
      log.info('the listener is back; going on where it was')
      return feed
    }
    // Positions of another journal mean something else.
    log.warn('the listener is back with another journal: what came in between may be missing')
    this.#journalId = feed.journalId
    await feed.close()
    const fresh = await this.#open({ from: feed.start }).catch(() => undefined)
    this.#position = feed.start
    return fresh === undefined || 'status' in fresh ? feed : fresh
  }

  /** Ends it when the time up to which records are wanted is over. */
  #endInTime(): void {
    const { untilMs } = this.#tail
    if (!this.#endless || untilMs === undefined) return
    const wait = untilMs + LIVE_LATE_MS - systemClock.now()
    void systemClock.sleep(Math.min(wait, MOST_WAIT_MS), this.#ended.signal).then(() => this.#ended.abort())
  }
}

function noListener(error: Error, path: string): string {
  const why = noAnswer(error as NodeJS.ErrnoException, path)
  return `${why}; a recording is read with "pgturret tail FILE"`
}

function refusalText({ status, message }: Refusal, path: string): string {
  if (status === 503) return `the listener at "${path}" has no place for another tail: ${message}`
  if (status === 404) return `the listener at "${path}" is of another version, and cannot be followed`
  return `the listener at "${path}" refuses: ${message}`
}
