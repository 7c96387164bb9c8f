import { type Destination, exporterTo, readDestinations } from '../../../src/cli/destinations.ts'
import { encodingOf } from '../../../src/cli/encodings.ts'
import type { Clock } from '../../../src/clock.ts'
import type { LogFields } from '../../../src/codec/log.ts'
import { optionSpecs } from '../../../src/config/options.ts'
import type { Exporter } from '../../../src/exporter.ts'
import { EXPORTERS } from '../../../src/exporters/registry.generated.ts'
import { makeLog } from '../../../src/log.ts'
import { ChunkPool } from '../../../src/pipeline/chunk.ts'
import { Delivery, type DeliveryOptions, type Rejected } from '../../../src/pipeline/delivery.ts'
import { Lane } from '../../../src/pipeline/lane.ts'
import { recordOf } from '../../record/records.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { HastyClock } from './hasty-clock.ts'
import type { ExporterFlags, Harness, Received, Serving, Subject, Target } from './subject.ts'

/** Used as the credential everywhere; no byte of it may be seen. */
export const SECRET = 'hunter2-Zq7xW.pass-phrase'

/** Time of the first record; each further one is a millisecond later. */
const FIRST_MS = Date.UTC(2026, 2, 1, 12)

/** One destination, and everything between records and it, as `listen` has it: options, encoding, delivery, exporter. */
export class ConformanceStage {
  readonly harness: Harness
  readonly destination: Destination
  readonly exporter: Exporter
  readonly clock = new HastyClock()
  readonly delivery: Delivery
  readonly letters: Rejected[] = []
  /** What pgturret's own log said. */
  readonly said: string[] = []
  readonly #lane: Lane
  #position = 0

  constructor(harness: Harness, exporter: Exporter, destination: Destination, own: StageOptions) {
    this.harness = harness
    this.destination = destination
    this.exporter = exporter
    const clock: Clock = own.clock ?? this.clock
    const { definition, options, common } = destination
    const limits = definition.batch(options)
    const pool = new ChunkPool()
    this.delivery = new Delivery({
      name: definition.label(options),
      exporter: this.exporter,
      limits: { ...limits, maxRecords: Math.min(limits.maxRecords, own.maxRecords ?? limits.maxRecords) },
      concurrency: Math.max(common.concurrency, definition.window?.(options) ?? 1),
      maxQueueBytes: 64 * 1024 * 1024,
      retryForMs: Number.POSITIVE_INFINITY,
      giveUp: () => false,
      keeps: true,
      reject: async (letters) => void this.letters.push(...letters),
      log: makeLog((line) => void this.said.push(line), true, clock.now),
      clock,
      pool,
      onProgress: () => undefined,
      ...own.delivery,
    })
    this.#lane = new Lane(
      encodingOf(destination, { color: false, everywhere: false }).encoder(),
      [this.delivery],
      pool,
    )
  }

  /** Hands over records, all of them in one chunk. */
  offer(...records: readonly LogFields[]): void {
    for (const fields of records) {
      this.#position++
      this.#lane.add(
        recordOf(stamped(fields, this.#position), { sequence: BigInt(this.#position), bootId: 7n }),
        this.#position,
      )
    }
    this.#lane.seal()
  }

  /** Hands over records with these messages. */
  say(...messages: readonly string[]): void {
    this.offer(...messages.map((ErrMessage) => ({ ErrMessage })))
  }

  /** Resolves when everything that was offered has been accepted or refused. */
  settled(): Promise<void> {
    return this.delivery.settle()
  }

  /** What the destination has, when it has at least so many records. */
  received(count: number): Promise<readonly Received[]> {
    return waitUntil(
      () => this.harness.received(),
      (records) => records.length >= count,
      `${count} records at the destination`,
    )
  }

  /** Messages that the destination has, when there are at least so many. */
  async messages(count: number): Promise<string[]> {
    return (await this.received(count)).map(({ message }) => message)
  }
}

/** What a case wants otherwise. */
export interface StageOptions {
  readonly serving?: Serving
  /** Further options of the exporter. */
  readonly flags?: ExporterFlags
  /** Most records of a batch, if the exporter allows so many. */
  readonly maxRecords?: number
  /** In place of the one that hurries. */
  readonly clock?: Clock
  readonly delivery?: Partial<DeliveryOptions>
}

/** Runs a case with a destination of its own, and ends both. */
export async function onStage(
  subject: Subject,
  run: (stage: ConformanceStage) => Promise<void>,
  own: StageOptions = {},
): Promise<void> {
  const harness = await subject.start(own.serving ?? {})
  let stage: ConformanceStage | undefined
  try {
    const { to, options } = harness.target(SECRET)
    const destination = destinationOf(subject, { to, options: { ...options, ...own.flags } })
    const exporter = subject.create?.(harness) ?? exporterTo(destination)
    stage = new ConformanceStage(harness, exporter, destination, own)
    await run(stage)
  } finally {
    await stage?.delivery.stop()
    await harness.stop()
  }
}

/** The destination that a target means, read as the command line is. */
export function destinationOf({ exporter }: Subject, target: Target): Destination {
  const problems: string[] = []
  const given = { flags: flagsOf(exporter, target.options ?? {}), env: {} }
  const [destination] = readDestinations([{ to: target.to, format: 'json' }], given, problems)
  if (destination === undefined) throw new Error(`the target cannot be read: ${problems.join('; ')}`)
  return destination
}

/** Options by the names under which the command line keeps them. */
function flagsOf(exporter: string, options: ExporterFlags): Record<string, unknown> {
  const definition = EXPORTERS.find(({ name }) => name === exporter)
  if (definition === undefined) throw new Error(`no exporter is called "${exporter}"`)
  const specs = optionSpecs(definition.options, exporter)
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => {
      const spec = specs.find((one) => one.key === key)
      if (spec === undefined) throw new Error(`"${exporter}" has no option "${key}"`)
      return [spec.attribute, value]
    }),
  )
}

/** Words of a command line for the same target. */
export function wordsOf({ exporter }: Subject, { to, options = {} }: Target): string[] {
  const specs = optionSpecs(EXPORTERS.find(({ name }) => name === exporter)!.options, exporter)
  const words = Object.entries(options).flatMap(([key, value]) => {
    const { flag } = specs.find((one) => one.key === key)!
    if (value === true) return [flag]
    return typeof value === 'string' ? [`${flag}=${value}`] : value.map((one) => `${flag}=${one}`)
  })
  return ['--to', to, ...words]
}

function stamped(fields: LogFields, position: number): LogFields {
  const ms = FIRST_MS + position
  const text = new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC')
  return {
    LogTime: text,
    TimeMicros: BigInt(ms) * 1000n,
    SessionId: '65e0a1.1f',
    SeqNum: BigInt(position),
    ELevel: 15,
    Encoding: 'UTF8',
    DatabaseName: 'shop',
    ...fields,
  }
}
