import { RetryableError } from '../errors.ts'

/** What becomes of a batch whose call was told to end. */
export const stopped = (): RetryableError => new RetryableError('stopped before the brokers had answered')

/** Waits for something, but not beyond a stop: the client library knows no signals. */
export async function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>()
  const stop = () => reject(stopped())
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([promise, over])
  } finally {
    signal.removeEventListener('abort', stop)
    // Whichever lost may fail later.
    promise.catch(() => undefined)
    over.catch(() => undefined)
  }
}
