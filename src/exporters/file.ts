import {
  accessSync,
  close,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  open,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { fileMode, integer, size } from '../config/values.ts'
import { RetryableError } from '../errors.ts'
import type { Batch, Exporter, ExporterContext } from '../exporter.ts'
import { defineExporter } from '../exporter.ts'
import { writeFully } from '../file-write.ts'

const options = z.object({
  path: z.string().meta({ fromUrl: true }),
  maxSize: size().optional().meta({
    description:
      'begin a new file when this one would grow over SIZE; the old one gets its end time in its name',
  }),
  keep: integer(1, 100_000)
    .optional()
    .meta({ description: 'delete the oldest rotated files beyond N (default: keep all)' }),
  mode: fileMode().prefault('0640').meta({ description: 'permissions of a file that is created' }),
})

type Options = z.output<typeof options>

/** A local file, one JSON object a line (or what `--format` says); rotated by size, opened anew on SIGHUP. */
export default defineExporter({
  name: 'file',
  summary: 'Appends records to a local file, rotated by size, reopened on SIGHUP.',
  schemes: ['file'],
  example: 'file:///var/log/pgturret/pg.ndjson',
  fromUrl: (url, text) => ({ path: pathOf(url, text) }),
  options,
  label: (given) => given.path,
  problem: pathProblem,
  format: 'chosen',
  batch: () => ({ maxRecords: 1_000_000, maxBytes: 4 * 1024 * 1024 }),
  create: (given, { format }) => new FileExporter(given, format),
})

/** `file:///var/log/x.ndjson` is absolute; `file:x.ndjson` and `file://./x.ndjson` are relative to where it runs. */
function pathOf(url: URL, text: string): string {
  if (url.search !== '' || url.hash !== '') throw new Error('a file URL takes no query; use --file-… flags')
  // A URL knows no relative path: what stands in front of it is only in the text.
  const relative = url.hostname === '.' || (url.hostname === '' && !/^file:\//i.test(text))
  if (url.hostname !== '' && !relative && url.hostname !== 'localhost') {
    throw new Error(
      `"${url.hostname}" would be a host: an absolute path has three slashes, file:///${url.hostname}${url.pathname}`,
    )
  }
  const path = relative
    ? decodeURIComponent(text.replace(/^file:(?:\/\/\.\/)?/i, ''))
    : fileURLToPath(new URL(`file://${url.pathname}`))
  if (path === '' || path.endsWith('/'))
    throw new Error('expected the path of a file, such as file:///var/log/pgturret.ndjson')
  return resolve(path)
}

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

/** How every line of a format begins: so a line that a killed process left unfinished is known. */
const LINE_STARTS: Readonly<Partial<Record<ExporterContext['format'], string>>> = {
  json: '{"timestamp":"',
  prototext: 'LogTime="',
}
/** A torn line is looked for backwards, in steps. */
const STEP_BYTES = 64 * 1024
const NEWLINE = 0x0a

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR, O_WRONLY } = constants

const openFile = promisify(open)
const closeFile = promisify(close)

class FileExporter implements Exporter {
  readonly #options: Options
  readonly #format: ExporterContext['format']
  #fd = -1
  /** Pipes and devices are written to, never cut or rotated. */
  #regular = false
  #rotatedAt = 0
  /** What was begun last: one thing at a time, or SIGHUP would close the file under a write. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(given: Options, format: ExporterContext['format']) {
    this.#options = given
    this.#format = format
  }

  open(): Promise<void> {
    return this.#inTurn(() => this.#open())
  }

  send(batch: Batch, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
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
    const { path, maxSize } = this.#options
    const status = statSync(path, { throwIfNoEntry: false })
    if (status === undefined || maxSize !== undefined)
      accessSync(dirname(path), constants.W_OK | constants.X_OK)
    if (status === undefined) return 'will be created'
    // Somebody may wait at the other end of a pipe: it is not opened for nothing.
    if (!status.isFile()) accessSync(path, constants.W_OK)
    else await closeFile(await openFile(path, O_WRONLY | O_APPEND))
    return 'can be written'
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#close())
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
      this.#fd = fd
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
    try {
      await writeFully(this.#fd, bytes)
    } catch (error) {
      // Sent again as a whole later: half of it must not stay. The size is asked for: somebody may have cut the file.
      const written = (error as { written?: number }).written ?? 0
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
    const begin = lastLineStart(fd, size)
    if (begin === size) return
    const lineStart = LINE_STARTS[this.#format]
    const length = Math.min(size - begin, lineStart?.length ?? 0)
    const torn = lineStart !== undefined && readText(fd, begin, length) === lineStart.slice(0, length)
    if (torn) ftruncateSync(fd, begin)
    else await writeFully(fd, Uint8Array.of(NEWLINE))
  }

  #mustRotate(more: number): boolean {
    const { maxSize } = this.#options
    if (!this.#regular || maxSize === undefined) return false
    const { size } = fstatSync(this.#fd)
    return size > 0 && size + more > maxSize
  }

  async #rotate(): Promise<void> {
    const { path } = this.#options
    await this.#close()
    // Each later than the one before, whatever the clock does: the oldest is told by its name.
    this.#rotatedAt = Math.max(Date.now(), this.#rotatedAt + 1)
    renameSync(path, rotatedName(path, this.#rotatedAt))
    await this.#open()
    this.#prune()
  }

  #prune(): void {
    const { path, keep } = this.#options
    if (keep === undefined) return
    const prefix = `${basename(path)}.`
    const rotated = readdirSync(dirname(path))
      .filter((name) => name.startsWith(prefix) && ROTATED.test(name.slice(prefix.length)))
      .sort(byTimeAndNumber.compare)
    for (const name of rotated.slice(0, -keep)) rmSync(join(dirname(path), name), { force: true })
  }
}

/** How to open what is there: a pipe without a reader must fail, not block; only a file is read, for its torn line. */
function flagsFor(status: Stats | undefined): number {
  if (status?.isFIFO()) return O_WRONLY | O_NONBLOCK
  return status === undefined || status.isFile() ? O_RDWR | O_APPEND | O_CREAT : O_WRONLY | O_APPEND
}

/** Where the last line begins; the file's size when it ends in a line end. */
function lastLineStart(fd: number, size: number): number {
  const step = Buffer.alloc(Math.min(size, STEP_BYTES))
  for (let end = size; end > 0; end -= step.length) {
    const start = Math.max(0, end - step.length)
    const found = step.subarray(0, readSync(fd, step, 0, end - start, start)).lastIndexOf(NEWLINE)
    if (found >= 0) return start + found + 1
  }
  return 0
}

function readText(fd: number, at: number, length: number): string {
  const bytes = Buffer.alloc(length)
  return bytes.toString('latin1', 0, readSync(fd, bytes, 0, length, at))
}

const byTimeAndNumber = new Intl.Collator('en', { numeric: true })

/** What rotation puts behind a file's name; anything else in the folder is not ours to delete. */
const ROTATED = /^\d{8}T\d{9}Z(?:-\d+)?$/

/** `pg.ndjson.20260301T120000123Z`; a number follows where that is taken. */
function rotatedName(path: string, at: number): string {
  const time = new Date(at).toISOString().replace(/[-:.]/g, '')
  for (let attempt = 0; ; attempt++) {
    const name = `${path}.${time}${attempt === 0 ? '' : `-${attempt}`}`
    if (statSync(name, { throwIfNoEntry: false }) === undefined) return name
  }
}
