import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Installable } from './service.ts'

/**
 * Where programs of services, and clients, are kept between runs: `$PGTURRET_TEST_SERVICES`, by default `pgturret-test-services` in the
 * user's cache folder. Deleting it fetches and builds everything again.
 */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const own = env['PGTURRET_TEST_SERVICES']
  return own || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pgturret-test-services')
}

const stampOf = (cache: string, { name }: Installable): string => join(cache, `${name}.installed`)

/** Whether there is nothing to install. */
export function isReady(one: Installable, cache: string): boolean {
  return one.ready?.(cache) ?? existsSync(stampOf(cache, one))
}

/**
 * Installs a service or a client, and remembers that it did.
 *
 * @throws Unavailable with the reason, where it cannot be had here
 */
export async function install(one: Installable, cache: string): Promise<void> {
  mkdirSync(cache, { recursive: true })
  await one.install(cache)
  writeFileSync(stampOf(cache, one), '')
}
