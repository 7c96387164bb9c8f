import { fstatSync } from 'node:fs'
import { z } from 'zod'
import { RetryableError } from '../errors.ts'
import { type Batch, defineExporter, type Exporter } from '../exporter.ts'
import { writeFully } from '../file-write.ts'

const STDOUT = 1

const options = z.object({})

/** Standard output: for pipes and terminals. When nobody reads any more (`| head`), that ends quietly. */
export default defineExporter({
  name: 'stdout',
  summary: 'Writes records to standard output.',
  schemes: ['stdout'],
  example: 'stdout:',
  options,
  label: () => 'stdout',
  format: 'chosen',
  batch: () => ({ maxRecords: 100_000, maxBytes: 1024 * 1024 }),
  create: () => new StreamExporter(STDOUT),
})

/** Writes to an open file descriptor that is not ours to open, close or cut. */
export class StreamExporter implements Exporter {
  readonly #fd: number
  /** Bytes of a failed batch that were written: it comes again, and they must not. */
  #written = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const rest = batch.bytes.subarray(this.#written)
    let written = 0
    try {
      written = await writeFully(this.#fd, rest, signal)
    } catch (error) {
      this.#written += (error as { written?: number }).written ?? 0
      throw error
    }
    if (written < rest.length) throw new RetryableError('told to stop in the middle of a batch')
    this.#written = 0
  }

  async check(): Promise<string> {
    fstatSync(this.#fd)
    return 'open'
  }

  isEnd(error: Error): boolean {
    return (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE'
  }
}
