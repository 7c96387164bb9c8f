import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Service } from './service.ts'

/**
 * Where programs of services are kept between runs: `$PGTURRET_TEST_SERVICES`, by default `pgturret-test-services` in the
 * user's cache folder. Deleting it fetches and builds everything again.
 */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const own = env['PGTURRET_TEST_SERVICES']
  return own || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pgturret-test-services')
}

const stampOf = (cache: string, { name }: Service): string => join(cache, `${name}.installed`)

/** Whether a service can be started without installing anything. */
export function isReady(service: Service, cache: string): boolean {
  return service.ready?.(cache) ?? existsSync(stampOf(cache, service))
}

/**
 * Installs a service, and remembers that it did.
 *
 * @throws Unavailable with the reason, where it cannot be had here
 */
export async function install(service: Service, cache: string): Promise<void> {
  mkdirSync(cache, { recursive: true })
  await service.install(cache)
  writeFileSync(stampOf(cache, service), '')
}
