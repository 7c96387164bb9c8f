import type { Dropped } from '../../codec/control.ts'
import type { Wanted } from '../../ingest/stream.ts'
import type { Log } from '../../log.ts'
import type { RecordView } from '../../record/view.ts'
import type { Summary } from '../../summary/summary.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { plural } from '../journal/text.ts'
import { tailListener } from '../tail/listener-tail.ts'
import type { Watcher } from '../tail/screen.ts'

/** Which records of a running listener are summed up. */
export interface ListenerWindow {
  /** Its control socket. */
  readonly path: string
  readonly wanted: Wanted | undefined
  /** Milliseconds since 1970: of its past from then on; undefined for nothing of the past. */
  readonly sinceMs: number | undefined
  readonly untilMs: number | undefined
  /** So long of what comes, in milliseconds; undefined for nothing of it. */
  readonly forMs: number | undefined
}

/** What went by without being counted. */
export interface WindowCounts {
  readonly filtered: number
  readonly droppedBySender: bigint
}

/** Counts what a listener has. */
class Counting implements Watcher {
  readonly closed = false
  droppedBySender = 0n
  readonly #summary: Summary
  readonly #log: Log
  readonly #stop: AbortSignal

  constructor(summary: Summary, log: Log, stop: AbortSignal) {
    this.#summary = summary
    this.#log = log
    this.#stop = stop
  }

  record(record: RecordView): void {
    this.#summary.add(record)
  }

  dropped({ count }: Dropped): void {
    this.droppedBySender += count
  }

  skipped(count: number, why: string): void {
    this.#log.warn(`${plural(count, 'record')} not counted: ${why}`)
  }

  ready(): Promise<boolean> {
    return Promise.resolve(!this.#stop.aborted)
  }

  end(): Promise<void> {
    return Promise.resolve()
  }
}

/**
 * Sums up records of a running listener: of its past, of what comes, or both. Ctrl-C ends it early.
 *
 * @returns what was not counted; the exit status where there is no listener, which was said
 */
export async function countWindow(
  window: ListenerWindow,
  summary: Summary,
  context: CommandContext,
): Promise<WindowCounts | number> {
  const { path, wanted, sinceMs, untilMs, forMs } = window
  const stop = new AbortController()
  context.onSignal(['SIGINT', 'SIGTERM'], () => {
    if (stop.signal.aborted) context.exitNow(130)
    stop.abort()
  })
  const timer = forMs === undefined ? undefined : setTimeout(() => stop.abort(), forMs)
  let filtered = 0
  const counted = (record: RecordView): boolean => {
    const is = wanted === undefined || wanted(record)
    if (!is) filtered++
    return is
  }
  const counting = new Counting(summary, context.log, stop.signal)
  const tail = {
    path,
    wanted: wanted && counted,
    lines: sinceMs === undefined ? 0 : undefined,
    sinceMs,
    untilMs,
    follow: forMs !== undefined,
  }
  const exitCode = await tailListener(tail, counting, context, stop.signal)
  clearTimeout(timer)
  return exitCode === ExitCode.Done ? { filtered, droppedBySender: counting.droppedBySender } : exitCode
}
