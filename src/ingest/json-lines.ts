import { InputError } from '../errors.ts'
import type { DumpReaderOptions } from './dump.ts'
import { FebeRecords } from './febe-records.ts'
import { JsonFrames } from './json-record.ts'

const LINE_END = 0x0a
const RETURN = 0x0d

/** Whether a recording that begins with these bytes is JSON: a dump begins with `V`. */
export const isJson = (bytes: Uint8Array): boolean => bytes[0] === 0x7b

/**
 * Reads a recording of pgturret's JSON, a record on each line, as `DumpReader` reads one of frames. A line that is no such record is reported and
 * passed over.
 */
export class JsonLinesReader {
  /** As of a dump's stream. */
  readonly counts = { records: 0, unknownFrames: 0 }
  readonly #options: DumpReaderOptions
  readonly #frames = new JsonFrames()
  readonly #records: FebeRecords
  /** Parts of the line that is being read. */
  #parts: Uint8Array[] = []
  #length = 0
  /** Where that line begins. */
  #offset = 0

  constructor(options: DumpReaderOptions) {
    this.#options = options
    const { maxFrameBytes, wanted, handler } = options
    this.#records = new FebeRecords({ maxFrameBytes, wanted, record: (record) => handler.record(record) })
  }

  /** Takes the next bytes of the file. */
  push(chunk: Uint8Array): void {
    let at = 0
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, at)) {
      this.#keep(chunk.subarray(at, end))
      this.#endLine(1)
      at = end + 1
    }
    // What is pushed is valid during the call only.
    if (at < chunk.length) this.#keep(chunk.slice(at))
  }

  /** The file has ended; its last line may have no end. */
  end(): void {
    if (this.#length > 0) this.#endLine(0)
  }

  #keep(part: Uint8Array): void {
    this.#length += part.length
    // Of a line that is too long no more is kept than is needed to say so.
    if (this.#length <= this.#options.maxFrameBytes) this.#parts.push(part)
    else this.#parts = []
  }

  #endLine(mark: number): void {
    const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    try {
      if (this.#length > this.#options.maxFrameBytes)
        throw new InputError('frame_too_large', `a line of ${this.#length} bytes`, 0)
      if (!isBlank(line)) this.#take(line)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      const { reason, message } = error
      this.#options.damaged(new InputError(reason, `not a record of pgturret's: ${message}`, this.#offset))
    }
    this.#offset += this.#length + mark
    this.#parts = []
    this.#length = 0
  }

  #take(line: Uint8Array): void {
    const dump = this.#frames.dump(line)
    this.counts.records++
    this.#records.take(dump)
  }
}

const isBlank = (line: Uint8Array): boolean => line.length === 0 || (line.length === 1 && line[0] === RETURN)
