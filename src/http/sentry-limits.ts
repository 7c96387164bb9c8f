import { type Answer, retryAfter } from './verdict.ts'

/** Where Sentry says when it will take what again. */
const HEADER = 'X-Sentry-Rate-Limits'
/** Where it does not say. */
const DEFAULT_MS = 60_000
/** The name for all categories. */
const ALL = ''

/** What Sentry does not want at present, by category; any answer may say so, one of success too. */
export class SentryLimits {
  readonly #until = new Map<string, number>()

  /** Reads an answer that came at `now`, in milliseconds since 1970. */
  note({ status, headers }: Answer, now: number): void {
    const said = headers.get(HEADER)
    if (said !== null) {
      for (const limit of said.split(',')) this.#read(limit, now)
    } else if (status === 429)
      this.#add(ALL, now + (retryAfter(headers.get('Retry-After'), now) ?? DEFAULT_MS))
  }

  /** Until when nothing of these categories is wanted; undefined when it is. */
  until(categories: readonly string[], now: number): number | undefined {
    const until = Math.max(...[ALL, ...categories].map((one) => this.#until.get(one) ?? 0))
    return until > now ? until : undefined
  }

  /** `60:error;transaction:organization:quota_exceeded`: seconds, categories, and more that is for nobody here. */
  #read(limit: string, now: number): void {
    const [seconds = '', categories = ''] = limit.trim().split(':')
    const ms = /^\d+(?:\.\d+)?$/.test(seconds) ? Number(seconds) * 1000 : DEFAULT_MS
    for (const category of categories.split(';')) this.#add(category.trim(), now + ms)
  }

  #add(category: string, until: number): void {
    // Names come from the server: there are a few dozen of them.
    if (this.#until.size < 256 || this.#until.has(category))
      this.#until.set(category, Math.max(until, this.#until.get(category) ?? 0))
  }
}
