import { afterAll } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { cacheFolder, install, isReady } from './cache.ts'
import { serviceCalled } from './registry.ts'
import { type Installable, type Running, type Service, Unavailable } from './service.ts'

/** A service for the tests of one file: it runs, or it is known why not. */
export interface Live<R extends Running = Running> {
  /** @throws where it does not run: ask only in tests that are not skipped */
  readonly running: R
  /** Why it does not run, for `test.skipIf(live.missing)` and for the conformance suite; undefined when it does. */
  readonly missing: string | undefined
}

/**
 * Starts a service for a test file, at its top, and stops it after the file's last test:
 *
 *     const s3 = await withService('versitygw')
 *     describe.skipIf(s3.missing !== undefined)('…', () => { … s3.running.addresses … })
 *
 * What is not installed is not run, and said; `make test-live` installs everything, and there it is an error.
 */
export async function withService(given: string): Promise<Live>
export async function withService<R extends Running>(given: Service<R>): Promise<Live<R>>
export async function withService(given: string | Service): Promise<Live> {
  const service = typeof given === 'string' ? await serviceCalled(given) : given
  const missing = await missingFor(service)
  if (missing === undefined) return start(service)
  return {
    missing,
    get running(): Running {
      throw new Unavailable(missing)
    },
  }
}

/**
 * Why tests cannot have it, which is said; undefined where they can.
 *
 * @throws Unavailable with that, where nothing may be missing
 */
export async function missingFor(one: Installable): Promise<string | undefined> {
  const missing = await reasonAgainst(one)
  if (missing === undefined) return undefined
  if (process.env['PGTURRET_TEST_LIVE'] === 'all') throw new Unavailable(`${one.name}: ${missing}`)
  console.warn(`skipped: tests that need ${one.name}: ${missing}`)
  return missing
}

async function reasonAgainst(one: Installable): Promise<string | undefined> {
  const cache = cacheFolder()
  if (!isReady(one, cache)) return `not installed; "bun tests/live/services.ts install ${one.name}" does it`
  try {
    // Quick, as it is there; and says so if what is there is not enough any more.
    await install(one, cache)
    return undefined
  } catch (error) {
    if (error instanceof Unavailable) return error.message
    throw error
  }
}

async function start(service: Service): Promise<Live> {
  const folder = mkdtempSync(`/tmp/pgturret-${service.name}-`)
  const running = await service.start(cacheFolder(), folder)
  afterAll(async () => {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { running, missing: undefined }
}
