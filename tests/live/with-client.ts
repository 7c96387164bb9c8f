import { cacheFolder } from './cache.ts'
import { CLIENTS } from './clients.ts'
import { Unavailable } from './service.ts'
import { missingFor } from './with-service.ts'

/** A vendor's client for the tests of one file: it is there, or it is known why not. */
export interface LiveClient {
  /** Why it is not there, for `test.skipIf(client.missing !== undefined)`. */
  readonly missing: string | undefined
  /**
   * What its package exports, or a part of that: `entry` is the package's name unless it is given.
   *
   * @throws where it is not there: ask only in tests that are not skipped
   */
  load<T>(entry?: string): Promise<T>
}

/** The client of this name (clients.ts). What is not installed is said; `make test-live` installs everything, and there it is an error. */
export async function withClient(name: string): Promise<LiveClient> {
  const client = CLIENTS.find((one) => one.name === name)
  if (client === undefined) throw new Error(`no client is called "${name}"`)
  const missing = await missingFor(client)
  return {
    missing,
    load: async <T>(entry = client.package) => {
      if (missing !== undefined) throw new Unavailable(missing)
      return (await import(Bun.resolveSync(entry, client.folder(cacheFolder())))) as T
    },
  }
}
