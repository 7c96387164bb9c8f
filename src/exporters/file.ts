import {
  accessSync,
  close,
  constants,
  fchmodSync,
  fstatSync,
  fsync,
  ftruncateSync,
  open,
  renameSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { age, choice, fileMode, integer, size } from '../config/values.ts'
import { RetryableError } from '../errors.ts'
import type { Batch, Exporter, ExporterContext } from '../exporter.ts'
import { defineExporter } from '../exporter.ts'
import { writeFully } from '../file-write.ts'
import { fileUrlPath } from '../files/file-url.ts'
import { COMPRESSIONS, RotatedFiles, rotatedName } from '../files/rotated.ts'
import { WrittenPages } from '../page-cache/written-pages.ts'
import { fileEnd } from '../unfinished-record.ts'

const options = z.object({
  path: z.string().meta({ fromUrl: true }),
  maxSize: size().optional().meta({
    description:
      'begin a new file when this one would grow over SIZE; the old one gets its end time in its name',
  }),
  rotateEvery: age().optional().meta({
    description: 'begin a new file every TIME, counted in UTC: 1h, 1d (at midnight)',
    example: '1d',
  }),
  compression: choice(COMPRESSIONS)
    .prefault('none')
    .meta({ description: 'how rotated files are compressed' }),
  keep: integer(1, 100_000)
    .optional()
    .meta({ description: 'delete the oldest rotated files beyond N (default: keep all)' }),
  keepAge: age()
    .optional()
    .meta({ description: 'delete rotated files that are older than TIME (default: keep all)' }),
  keepSize: size().optional().meta({
    description: 'delete the oldest rotated files when all of them take more than SIZE (default: keep all)',
    example: '10GB',
  }),
  mode: fileMode().prefault('0640').meta({ description: 'permissions of a file that is created' }),
  fsync: z.boolean().prefault(false).meta({
    description: 'a batch counts as delivered only when it is on the disk, and survives a power failure',
  }),
})

type Options = z.output<typeof options>

/** A local file, one JSON object a line (or what `--format` says); rotated by size and time, opened anew on SIGHUP. */
export default defineExporter({
  name: 'file',
  summary: 'Appends records to a local file, rotated by size and time, reopened on SIGHUP.',
  schemes: ['file'],
  example: 'file:///var/log/pgturret/pg.ndjson',
  fromUrl: (url, text) => ({ path: fileUrlPath(url, text) }),
  options,
  label: (given) => given.path,
  problem: pathProblem,
  format: 'chosen',
  // Written from where it was rendered, while that is still in the processor's cache; a sync is worth more at a time.
  batch: ({ fsync }) => ({ maxRecords: 1_000_000, maxBytes: (fsync ? 4 : 1) * 1024 * 1024 }),
  create: (given, context) => new FileExporter(given, context),
})

/** A folder that is missing or closed is found at start; later trouble (a full disk) is waited out. */
function pathProblem(given: Options): string | undefined {
  const folder = dirname(given.path)
  try {
    const status = statSync(given.path, { throwIfNoEntry: false })
    if (status?.isDirectory()) return `"${given.path}" is a folder; expected the path of a file`
    accessSync(status === undefined ? folder : given.path, constants.W_OK)
    return undefined
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return missing
      ? `the folder "${folder}" does not exist`
      : `"${given.path}" cannot be written: ${(error as Error).message}`
  }
}

const NEWLINE = 0x0a

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR, O_WRONLY } = constants

const openFile = promisify(open)
const closeFile = promisify(close)
const syncFile = promisify(fsync)

class FileExporter implements Exporter {
  readonly #options: Options
  readonly #format: ExporterContext['format']
  readonly #start: ExporterContext['start']
  #fd = -1
  /** Pipes and devices are written to, never cut or rotated. */
  #regular = false
  #pages: WrittenPages | undefined
  /** Where the file ends, as far as we have written it. */
  #size = 0
  #rotatedAt = 0
  readonly #keeper: RotatedFiles
  /** What was begun last: one thing at a time, or SIGHUP would close the file under a write. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(given: Options, { format, start }: ExporterContext) {
    this.#options = given
    this.#format = format
    this.#keeper = new RotatedFiles(given.path, given)
    this.#start = start
  }

  open(): Promise<void> {
    return this.#inTurn(() => this.#open())
  }

  send(batch: Batch, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      this.#keeper.throwFailure()
      await this.#open()
      if (this.#mustRotate(batch.bytes.length)) await this.#rotate()
      await (this.#regular ? this.#append(batch.bytes) : this.#write(batch.bytes, signal))
    })
  }

  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#close()
      await this.#open()
    })
  }

  async check(): Promise<string> {
    const { path, maxSize, rotateEvery } = this.#options
    const rotates = maxSize !== undefined || rotateEvery !== undefined
    const status = statSync(path, { throwIfNoEntry: false })
    if (status === undefined || rotates) accessSync(dirname(path), constants.W_OK | constants.X_OK)
    if (status === undefined) return 'will be created'
    // Somebody may wait at the other end of a pipe: it is not opened for nothing.
    if (!status.isFile()) accessSync(path, constants.W_OK)
    else await closeFile(await openFile(path, O_WRONLY | O_APPEND))
    return 'can be written'
  }

  async close(): Promise<void> {
    await this.#inTurn(() => this.#close())
    await this.#keeper.stop()
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work, work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #open(): Promise<void> {
    if (this.#fd >= 0) return
    const { path, mode } = this.#options
    const before = statSync(path, { throwIfNoEntry: false })
    const fd = await openFile(path, flagsFor(before), mode)
    try {
      // The process's umask has taken bits away.
      if (before === undefined) fchmodSync(fd, mode)
      const status = fstatSync(fd)
      this.#regular = status.isFile()
      if (this.#regular && this.#format !== 'febe') await this.#mendTail(fd, status.size)
      if (this.#regular && this.#options.fsync && before === undefined) await syncFolder(dirname(path))
      this.#fd = fd
      this.#size = status.size
      this.#pages = this.#regular ? new WrittenPages(fd, status.size) : undefined
    } catch (error) {
      await closeFile(fd)
      throw error
    }
  }

  async #close(): Promise<void> {
    const fd = this.#fd
    this.#fd = -1
    if (fd >= 0) await closeFile(fd)
  }

  async #append(bytes: Uint8Array): Promise<void> {
    let done = 0
    try {
      done = await writeFully(this.#fd, bytes)
      if (this.#options.fsync) await syncFile(this.#fd)
      this.#size += bytes.length
      this.#pages?.wrote(this.#size)
    } catch (error) {
      // Sent again as a whole later: half of it must not stay. The size is asked for: somebody may have cut the file.
      const written = (error as { written?: number }).written ?? done
      if (written > 0) ftruncateSync(this.#fd, Math.max(0, fstatSync(this.#fd).size - written))
      throw error
    }
  }

  async #write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      const written = await writeFully(this.#fd, bytes, signal)
      if (written < bytes.length) throw new RetryableError('told to stop in the middle of a batch')
    } catch (error) {
      // The reader of a pipe has gone: the next one gets the whole batch.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') await this.#close()
      throw error
    }
  }

  /** Cuts off the record that a killed process left half written (its sender sends it again), else ends a foreign line. */
  async #mendTail(fd: number, size: number): Promise<void> {
    const end = fileEnd(fd, size, this.#start)
    if (end.kind === 'torn') ftruncateSync(fd, end.at)
    if (end.kind === 'foreign') await writeFully(fd, Uint8Array.of(NEWLINE))
  }

  #mustRotate(more: number): boolean {
    const { maxSize, rotateEvery } = this.#options
    if (!this.#regular || (maxSize === undefined && rotateEvery === undefined)) return false
    const { size, mtimeMs } = fstatSync(this.#fd)
    if (size === 0) return false
    // Told by its last record, so that it does not matter who wrote that, and when this process began.
    const old =
      rotateEvery !== undefined && periodOf(mtimeMs, rotateEvery) < periodOf(Date.now(), rotateEvery)
    return old || (maxSize !== undefined && size + more > maxSize)
  }

  async #rotate(): Promise<void> {
    const { path } = this.#options
    await this.#close()
    // Each later than the one before, whatever the clock does: the oldest is told by its name.
    this.#rotatedAt = Math.max(Date.now(), this.#rotatedAt + 1)
    renameSync(path, rotatedName(path, this.#rotatedAt))
    await this.#open()
    this.#keeper.tidy()
  }
}

/** Number of the period that a time is in, counted from 1970. */
const periodOf = (ms: number, length: number): number => Math.floor(ms / length)

/** A new name is on the disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const fd = await openFile(path, constants.O_RDONLY)
  try {
    await syncFile(fd)
  } finally {
    await closeFile(fd)
  }
}

/** How to open what is there: a pipe without a reader must fail, not block; only a file is read, for its torn line. */
function flagsFor(status: Stats | undefined): number {
  if (status?.isFIFO()) return O_WRONLY | O_NONBLOCK
  return status === undefined || status.isFile() ? O_RDWR | O_APPEND | O_CREAT : O_WRONLY | O_APPEND
}
