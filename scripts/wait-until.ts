/** How long to wait, and how often to look. */
export interface WaitOptions {
  timeoutMs?: number
  intervalMs?: number
}

/**
 * Fetches a value again and again until the predicate holds for it, and returns that value.
 *
 * @throws when the time is over, naming what was waited for and the last value (or the last error).
 */
export async function waitUntil<T>(
  fetch: () => T | Promise<T>,
  predicate: (value: T) => boolean,
  what: string,
  { timeoutMs = 10_000, intervalMs = 20 }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const last = await attempt(fetch)
    if (last.ok && predicate(last.value)) return last.value
    if (performance.now() >= deadline) throw new Error(describe(what, timeoutMs, last))
    await Bun.sleep(intervalMs)
  }
}

type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown }

async function attempt<T>(fetch: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await fetch() }
  } catch (error) {
    return { ok: false, error }
  }
}

function describe(what: string, timeoutMs: number, last: Attempt<unknown>): string {
  const shown = last.ok ? Bun.inspect(last.value, { depth: 4 }) : `error: ${Bun.inspect(last.error)}`
  return `waited ${timeoutMs} ms for ${what}; last value: ${shown}`
}
