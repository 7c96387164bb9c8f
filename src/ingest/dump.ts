import { close as fsClose, open as fsOpen, read as fsRead, ftruncateSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { FRAME_HEADER_BYTES, FrameDecoder } from '../codec/frame.ts'
import { InputError } from '../errors.ts'
import { openDump } from './dump-input.ts'
import { isJson, JsonLinesReader } from './json-lines.ts'
import { Resync } from './resync.ts'
import { LogStream, type StreamCounts, type StreamHandler, type Wanted } from './stream.ts'

const open = promisify(fsOpen)
const read = promisify(fsRead)
const close = promisify(fsClose)

/**
 * What is worked on between two looks at what waits for destinations, as JSON it must not be more than one chunk, or they
 * wait while there is work for them.
 */
const STEP_BYTES = 256 * 1024
/** Most bytes of a header that one chunk can end in. */
const CUT_HEADER_BYTES = FRAME_HEADER_BYTES - 1

/** What is done with what a dump holds. */
export interface DumpReaderOptions {
  readonly handler: Pick<StreamHandler, 'record' | 'dropped'>
  readonly wanted?: Wanted | undefined
  readonly maxFrameBytes: number
  /** Told of every damaged place; reading goes on behind it. */
  readonly damaged: (error: InputError) => void
  /** Offset at which a frame begins, and reading. */
  readonly from?: number
}

/** How a dump is read. */
export interface DumpOptions extends DumpReaderOptions {
  /**
   * Awaited between chunks: the place for backpressure. Reading ends when it says false. Told how many bytes of the file
   * were read, as they lie there.
   */
  readonly next: (bytes: number) => Promise<boolean>
}

/** What a recording held. */
export type DumpCounts = Readonly<Pick<StreamCounts, 'records' | 'unknownFrames'>>

/**
 * Reads a dump, a journal segment or lines of JSON from the first byte to the last, in constant memory. `-` is standard
 * input. What it is, and whether it is compressed with gzip or zstd, is told by its first bytes.
 *
 * What is damaged is reported and passed over: a frame that is wrong inside costs itself, a place where the borders are
 * lost costs what lies before the next frame that can be recognised.
 *
 * @throws the system's error when the file cannot be opened or read
 */
export async function readDump(path: string, options: DumpOptions): Promise<DumpCounts> {
  const input = await openDump(path, options.from)
  let reader: DumpReader | JsonLinesReader | undefined
  try {
    for (let piece = await input.read(); piece !== undefined; piece = await input.read()) {
      reader ??= isJson(piece) ? new JsonLinesReader(options) : new DumpReader(options)
      const next = () => options.next(input.fileBytes)
      if (!(await pushInSteps(reader, piece, next))) return reader.counts
    }
    reader?.end()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    options.damaged(error)
  } finally {
    await input.close()
  }
  return reader?.counts ?? NOTHING
}

/**
 * Has a reader take bytes a part at a time.
 *
 * @param next awaited behind each; the rest is left when it says false
 * @returns what `next` said last
 */
async function pushInSteps(
  reader: DumpReader | JsonLinesReader,
  bytes: Uint8Array,
  next: () => Promise<boolean>,
): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    reader.push(bytes.subarray(at, at + STEP_BYTES))
    if (!(await next())) return false
  }
  return true
}

const NOTHING: DumpCounts = { records: 0, unknownFrames: 0 }

/**
 * Cuts off the frame that a killed process left unfinished at the end of a dump: what is appended behind it would be
 * taken for its rest.
 *
 * @returns bytes that were cut off; 0 for a dump that is whole, is not there, or is damaged otherwise
 * @throws the system's error when the file cannot be read or cut
 */
export async function mendDump(path: string, maxFrameBytes: number): Promise<number> {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return 0
  const fd = await open(path, 'r+')
  try {
    const decoder = new FrameDecoder(maxFrameBytes)
    const buffer = new Uint8Array(STEP_BYTES)
    for (let bytes = (await read(fd, buffer, 0, STEP_BYTES, null)).bytesRead; bytes > 0; ) {
      decoder.push(buffer.subarray(0, bytes), () => undefined)
      bytes = (await read(fd, buffer, 0, STEP_BYTES, null)).bytesRead
    }
    if (decoder.pending > 0) ftruncateSync(fd, decoder.offset)
    return decoder.pending
  } catch (error) {
    if (error instanceof InputError) return 0
    throw error
  } finally {
    await close(fd)
  }
}

/** Follows a dump across its damaged places. All offsets count from the file's first byte. */
export class DumpReader {
  readonly #options: DumpReaderOptions
  readonly #decoder: FrameDecoder
  readonly #stream: LogStream
  #resync: Resync | undefined
  /** Where the decoder's offsets count from. */
  #base = 0
  /** The byte that is taken next. */
  #position = 0
  /** The last bytes before it: where a header was cut, another one may begin. */
  #before: Uint8Array = new Uint8Array(0)

  constructor(options: DumpReaderOptions) {
    this.#options = options
    this.#base = options.from ?? 0
    this.#position = this.#base
    this.#decoder = new FrameDecoder(options.maxFrameBytes)
    const { handler } = options
    this.#stream = new LogStream(
      this.#decoder,
      {
        record: (record) => handler.record(record),
        dropped: (dropped, source) => handler.dropped?.(dropped, source),
        damage: (error) => this.#report(error),
      },
      options.wanted,
    )
  }

  get counts(): StreamCounts {
    return this.#stream.counts
  }

  /** Takes the next bytes of the file. */
  push(chunk: Uint8Array): void {
    let rest: Uint8Array | undefined = chunk
    while (rest !== undefined && rest.length > 0)
      rest = this.#resync ? this.#search(rest) : this.#decode(rest)
    this.#before = Buffer.concat([this.#before, chunk.subarray(-CUT_HEADER_BYTES)]).subarray(
      -CUT_HEADER_BYTES,
    )
  }

  /** The file has ended. */
  end(): void {
    try {
      if (this.#resync === undefined) this.#decoder.end()
    } catch (error) {
      this.#report(error as InputError)
    }
  }

  /** Decodes; where the borders are lost, returns what is to be searched. */
  #decode(bytes: Uint8Array): Uint8Array | undefined {
    try {
      this.#stream.push(bytes)
      this.#position += bytes.length
      return undefined
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      this.#report(error)
      this.#resync = new Resync()
      // Right behind the first byte of what cannot be a header; it may have begun in an earlier chunk.
      const skip = this.#base + error.offset + 1 - this.#position
      this.#position += skip
      return skip >= 0 ? bytes.subarray(skip) : Buffer.concat([this.#before.subarray(skip), bytes])
    }
  }

  /** Searches; from the next frame on, returns what is to be decoded. */
  #search(bytes: Uint8Array): Uint8Array | undefined {
    this.#position += bytes.length
    const found = this.#resync!.push(bytes)
    if (found === undefined) return undefined
    this.#position -= found.length
    this.#base = this.#position
    this.#resync = undefined
    this.#decoder.restart()
    this.#stream.lost()
    return found
  }

  #report(error: InputError): void {
    this.#options.damaged(new InputError(error.reason, error.message, this.#base + error.offset))
  }
}
