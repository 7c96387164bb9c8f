import { afterAll } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { cacheFolder, install, isReady } from './cache.ts'
import { serviceCalled } from './registry.ts'
import { type Running, type Service, Unavailable } from './service.ts'

/** A service for the tests of one file: it runs, or it is known why not. */
export interface Live {
  /** @throws where it does not run: ask only in tests that are not skipped */
  readonly running: Running
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
export async function withService(given: string | Service): Promise<Live> {
  const service = typeof given === 'string' ? await serviceCalled(given) : given
  const missing = await reasonAgainst(service)
  if (missing === undefined) return start(service)
  if (process.env['PGTURRET_TEST_LIVE'] === 'all') throw new Unavailable(`${service.name}: ${missing}`)
  console.warn(`skipped: tests that need ${service.name}: ${missing}`)
  return {
    missing,
    get running(): Running {
      throw new Unavailable(missing)
    },
  }
}

async function reasonAgainst(service: Service): Promise<string | undefined> {
  const cache = cacheFolder()
  if (!isReady(service, cache))
    return `not installed; "bun tests/live/services.ts install ${service.name}" does it`
  try {
    // Quick, as it is there; and says so if what is there is not enough any more.
    await install(service, cache)
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
