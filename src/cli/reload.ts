import type { ListenOptions } from '../config/listen-options.ts'
import { fileKeyOf } from '../config/options.ts'
import { type PrivacyOptions, privacyOptions } from '../config/privacy-options.ts'
import { ConfigError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Notifier } from '../observe/systemd.ts'
import type { OutletRequest } from '../pipeline/outlets.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { ListenSettings } from './settings.ts'

/** What a reload works with. */
export interface ReloaderOptions {
  readonly settings: ListenSettings
  readonly reread: () => ListenSettings
  readonly requests: (settings: ListenSettings) => readonly OutletRequest[]
  readonly pipeline: Pipeline
  readonly systemd: Notifier
  readonly log: Log
}

/** What destinations are made of: a change of these is no change of the listener. */
const OF_DESTINATIONS = new Set<keyof ListenOptions>([
  'to',
  'format',
  ...(Object.keys(privacyOptions.shape) as (keyof PrivacyOptions)[]),
])

/**
 * SIGHUP: reads the settings anew. Destinations that have not changed go on, and open their files anew; settings that are
 * wrong change nothing.
 */
export class Reloader {
  readonly #options: ReloaderOptions
  #running: Promise<void> = Promise.resolve()

  constructor(options: ReloaderOptions) {
    this.#options = options
  }

  /** Reloads, after a reload that is under way. */
  reload(): void {
    this.#running = this.#running.then(() => this.#reload())
  }

  async #reload(): Promise<void> {
    const { systemd, log, pipeline } = this.#options
    if (pipeline.stopping) return
    systemd.reloading()
    try {
      await this.#change(this.#options.reread())
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      for (const problem of error.problems) log.error(`configuration: ${problem}`)
      log.error('the configuration was not changed')
    } finally {
      systemd.ready()
    }
  }

  async #change(settings: ListenSettings): Promise<void> {
    const { pipeline, requests, log } = this.#options
    const kept = pipeline.outlets.all
    const { begun, ended } = await pipeline.serve(requests(settings))
    const now = new Set(pipeline.outlets.all)
    for (const { delivery } of kept.filter((outlet) => now.has(outlet))) {
      delivery
        .reopen()
        .catch((error: Error) => log.error(`could not reopen "${delivery.name}": ${error.message}`))
    }
    this.#reportUnchangeable(settings)
    log.info('reloaded', {
      ...(begun.length > 0 ? { begun: begun.join(', ') } : {}),
      ...(ended.length > 0 ? { ended: ended.join(', ') } : {}),
    })
  }

  /** What the socket and the journal were opened with stays until the next start. */
  #reportUnchangeable({ options }: ListenSettings): void {
    const before = this.#options.settings.options
    const names = Object.keys(options) as (keyof ListenOptions)[]
    const changed = names.filter((name) => !OF_DESTINATIONS.has(name) && options[name] !== before[name])
    if (changed.length === 0) return
    this.#options.log.warn('some settings take effect at the next start only', {
      settings: changed.map(fileKeyOf).join(', '),
    })
  }
}
