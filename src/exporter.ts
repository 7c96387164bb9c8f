import type { z } from 'zod'
import type { DeliveryError } from './errors.ts'
import type { Log } from './log.ts'
import type { RecordView } from './record/view.ts'
import type { Encoding, Format } from './render/encoder.ts'
import type { RecordStart } from './render/record-start.ts'

/**
 * What one destination must be able to do. The pipeline owns queueing, batching, retry, splitting and counting; an
 * exporter sends, and says what the destination said by the error that it throws (errors.ts).
 */

/** Records in the exporter's format, one after the other. Valid until `send` settles. */
export interface Batch {
  readonly records: number
  /** Every record with its line end. */
  readonly bytes: Uint8Array
  /** Offset after each record's line end, in `bytes`. */
  readonly ends: Uint32Array
}

/** A live connection to one destination. */
export interface Exporter {
  /** Others come to it, so it is opened at the start; what is wrong then is tried again before the first send. */
  readonly opensAtOnce?: boolean
  /**
   * Called before the first send, and before the next one after a `RetryableError` that says `reconnect`; throws what is
   * wrong with the destination. Never called twice at the same time.
   */
  open?(signal: AbortSignal): Promise<void>
  /**
   * Resolves once the destination has accepted the whole batch; otherwise throws (`PartialError` when it took some of it).
   * Called again only when the last call has settled, unless the destination is served with a concurrency above one, or
   * has a `window`.
   *
   * @param signal aborted when time is up or the program stops: the call must end soon then. One that has not ended a
   *   second later is taken for failed, and the batch may be sent again beside it
   */
  send(batch: Batch, signal: AbortSignal): Promise<void>
  /** Whether a failure only means that nobody reads any more (`| head`): the end, and nothing to report. */
  isEnd?(error: DeliveryError): boolean
  /** SIGHUP: files are opened anew. */
  reopen?(): Promise<void>
  /**
   * Finds out whether the destination can be reached, without sending it anything that it could take for a record; called
   * instead of `open` and `send`, by `pgturret check`.
   *
   * @returns what was found, in a few words: `answered 405 in 12 ms`
   * @throws what is wrong, as an error whose message holds no secret
   */
  check?(signal: AbortSignal): Promise<string>
  /** Called once, at the end, even if `open` failed. */
  close?(): Promise<void>
}

/** What an exporter may use of its surroundings. */
export interface ExporterContext {
  readonly userAgent: string
  /** Format of the batches. */
  readonly format: Format | 'febe'
  /** How each record of it begins, where that can be told. */
  readonly start?: RecordStart | undefined
  /** pgturret's own log: for what an operator should know and no error says. */
  readonly log?: Log | undefined
}

/** One kind of destination: how it is named, what it takes, how to make one. */
export interface ExporterDefinition<S extends z.ZodObject = z.ZodObject> {
  /** Name in `--to` and in flags; equals the file's name. */
  readonly name: string
  /** One sentence. */
  readonly summary: string
  /** URL schemes by which `--to` finds it, without the colon. */
  readonly schemes: readonly string[]
  /** What `--to` may be given, for examples: with a host that nobody has. */
  readonly example: string
  /** What the URL itself (and its text, as it was given) says, as options; throws a sentence when it cannot be meant. */
  fromUrl?(url: URL, text: string): Record<string, unknown>
  /** In place of `fromUrl`, where a URL is not what a URL parser takes: several hosts. */
  fromUrlText?(text: string): Record<string, unknown>
  readonly options: S
  /**
   * What environment variables that are not pgturret's own say, where it is a custom that clients heed them: texts by
   * option, and `url` for `--to NAME` without one. Whatever else says an option goes before; throws a sentence when one of
   * them cannot be meant.
   */
  fromEnvironment?(env: Readonly<Record<string, string | undefined>>): Record<string, unknown>
  /** What can be seen to be wrong on this machine before anything starts, in a sentence. Touches no network. */
  problem?(options: z.output<S>): string | undefined
  /** What to call the destination in messages; no secret in it. */
  label(options: z.output<S>): string
  /** Limits of one batch; the pipeline keeps them. */
  batch(options: z.output<S>): { readonly maxRecords: number; readonly maxBytes: number }
  /** How long a batch that is not full waits for more records, in milliseconds, unless `linger` says so; 0 by default. */
  linger?(options: z.output<S>): number
  /**
   * Batches that it may be given at a time by default, because it sees to their order itself; 1 by default. `concurrency`
   * can only raise it.
   */
  window?(options: z.output<S>): number
  /** Format of the batches, unless `--format` may choose. */
  readonly format: Format | 'chosen'
  /**
   * Bytes of its own for each record, where the plain ones of the format are not enough: an envelope (render/envelope.ts)
   * around them, or what the destination's API takes.
   *
   * @param plain the format's own
   */
  encoding?(options: z.output<S>, plain: Encoding): Encoding
  /** `encoding` gives back the plain ones for some options: then `--fields` may choose what is in them. */
  readonly maybePlain?: boolean
  /**
   * Records that this destination must never have, where there are any: they are counted as filtered.
   *
   * @returns `name`: the same exactly when the records are; `test`: whether a record is one of them;
   *   its head has been walked
   */
  leavesOut?(options: z.output<S>): { readonly name: string; readonly test: (record: RecordView) => boolean }
  create(options: z.output<S>, context: ExporterContext): Exporter
}

/** Declares an exporter; exists for its type alone. */
export const defineExporter = <S extends z.ZodObject>(
  definition: ExporterDefinition<S>,
): ExporterDefinition<S> => definition

/** What the text of a URL says, as options; throws a sentence when it cannot be meant. */
export const optionsOfUrl = (definition: ExporterDefinition, text: string): Record<string, unknown> =>
  definition.fromUrlText?.(text) ?? definition.fromUrl?.(parseUrl(text), text) ?? {}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // The text may hold a password: it is not repeated.
    throw new Error('the URL cannot be read')
  }
}
