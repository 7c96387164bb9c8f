import type { Command } from 'commander'
import { FrameDecoder } from '../../codec/frame.ts'
import { readOptions } from '../../config/options.ts'
import { renderingOptions } from '../../config/rendering-options.ts'
import { choice, integer, level } from '../../config/values.ts'
import { BlockedError } from '../../errors.ts'
import { compileSelection } from '../../filter/selection.ts'
import { LogStream } from '../../ingest/stream.ts'
import type { Block } from '../../journal/block.ts'
import { MOST_FRAME_BYTES } from '../../journal/block-cutter.ts'
import { systemDisk } from '../../journal/disk.ts'
import { listSegments, type Segment } from '../../journal/segments.ts'
import { type Hole, walkSegments } from '../../journal/walk.ts'
import { countText } from '../../observe/amounts.ts'
import type { DirectPipeline } from '../../pipeline/direct-pipeline.ts'
import { FORMATS } from '../../render/encoder.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import type { Asked } from '../destination-sources.ts'
import { buildPipeline, readDestinations } from '../destinations.ts'
import { colorsOf } from '../encodings.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions, withSystemErrors } from '../listener-places.ts'
import { refuseTwoFormats } from '../rendering.ts'
import { journalFolder } from './folder.ts'
import { endOf } from './overview.ts'
import { plural, positions } from './text.ts'

const MOST = Number.MAX_SAFE_INTEGER

const options = journalOptions.extend({
  from: integer(0, MOST).optional().meta({
    value: 'POSITION',
    description: 'where to begin, as "pgturret journal ls" counts (default: the oldest record)',
  }),
  records: integer(1, MOST).optional().meta({ description: 'how many records to show (default: all)' }),
  format: choice([...FORMATS, 'febe'])
    .prefault('json')
    .meta({ description: 'how records are shown; febe writes a dump' }),
  level: level().optional().meta({ description: 'leave out records below this severity' }),
  ...renderingOptions.shape,
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
})

/** Bytes that may wait for a reader of the output. */
const STEP_BYTES = 4 * 1024 * 1024

/** Gives `pgturret journal cat` its options; returns what it does. */
export function catCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, options)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    const read = readOptions(options, given, problems)
    const folder = journalFolder(given, problems)
    refuseTwoFormats(given, problems)
    const asked: Asked = { to: 'stdout', format: read?.format ?? 'json', rendering: read ?? {} }
    const screen = readDestinations([asked], given, problems)
    refuse(problems)
    const segments = await withSystemErrors(folder!, () => listSegments(systemDisk, folder!))
    const from = read!.from ?? segments[0]?.first ?? 0
    refuse(await rangeProblems(segments, from))
    const service = {
      queueBytes: Number.POSITIVE_INFINITY,
      retryForMs: 0,
      giveUp: (error: unknown) => error instanceof BlockedError,
      ...colorsOf(read!.color, context),
    }
    const pipeline = buildPipeline(screen, service, context)
    const wanted = { from, records: read!.records ?? MOST, rank: read!.level }
    return new Cat(pipeline, wanted, context).run(segments)
  }
}

async function rangeProblems(segments: readonly Segment[], from: number): Promise<string[]> {
  const start = segments[0]?.first ?? 0
  if (from >= start && (from === start || from <= (await endOf(systemDisk, segments)))) return []
  const end = await endOf(systemDisk, segments)
  return [
    `--from: the journal holds ${countText(start)} up to ${countText(end)}, ${countText(from)} is not in it`,
  ]
}

interface Wanted {
  readonly from: number
  readonly records: number
  readonly rank: number | undefined
}

class Cat {
  readonly #pipeline: DirectPipeline
  readonly #context: CommandContext
  readonly #wanted: Wanted
  readonly #stream: LogStream
  #damaged = false
  #shown = 0
  // The block that is being shown: its first position, and what the stream had counted before it.
  #base = 0
  #before = 0
  #drops = 0

  constructor(pipeline: DirectPipeline, wanted: Wanted, context: CommandContext) {
    this.#pipeline = pipeline
    this.#wanted = wanted
    this.#context = context
    this.#stream = new LogStream(
      new FrameDecoder(MOST_FRAME_BYTES),
      {
        record: (record) => {
          if (!this.#isDue(this.#position - 1) || this.#done) return
          this.#shown++
          pipeline.accept(record)
        },
        dropped: (lost, source) => {
          this.#drops++
          if (this.#isDue(this.#position - 1) && !this.#done) pipeline.acceptDropped(lost, source)
        },
        damage: () => undefined,
      },
      compileSelection({ level: wanted.rank }),
    )
  }

  async run(segments: readonly Segment[]): Promise<number> {
    const pipeline = this.#pipeline
    for await (const { block, hole } of walkSegments(systemDisk, segments, this.#wanted.from)) {
      if (block === undefined) this.#report(hole)
      else if (block.position + block.entries > this.#wanted.from) this.#show(block)
      pipeline.flush()
      await pipeline.room(STEP_BYTES)
      if (this.#done || pipeline.closed) break
    }
    await pipeline.drain(Number.POSITIVE_INFINITY)
    const failed = pipeline.deliveries.some(
      ({ stats }) => stats.lastError !== undefined && stats.rejected + stats.dropped > 0,
    )
    if (failed) return ExitCode.NotAllDelivered
    return this.#damaged ? ExitCode.DamagedInput : ExitCode.Done
  }

  get #done(): boolean {
    return this.#shown >= this.#wanted.records
  }

  /** Position behind the entry that the stream is at. */
  get #position(): number {
    return this.#base + this.#stream.counts.records - this.#before + this.#drops
  }

  #isDue(position: number): boolean {
    return position >= this.#wanted.from
  }

  #show(block: Block): void {
    this.#base = block.position
    this.#before = this.#stream.counts.records
    this.#drops = 0
    this.#stream.push(block.bytes)
  }

  #report({ places, lost, torn }: Hole): void {
    if (torn) return
    this.#damaged = true
    const what =
      lost === undefined
        ? ''
        : `; ${plural(lost.to - lost.from, 'record')} lost: ${positions(lost.from, lost.to)}`
    for (const { segment, from, to } of places)
      this.#context.log.error(`"${segment.path}": bytes ${from} to ${to - 1} are damaged${what}`)
    if (places.length === 0) this.#context.log.error(`records are missing between two segments${what}`)
  }
}
