import {
  accessSync,
  close,
  constants,
  fstatSync,
  ftruncateSync,
  open,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { fileMode, integer, size } from '../config/values.ts'
import type { Batch, Exporter } from '../exporter.ts'
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
  fromUrl: (url) => ({ path: pathOf(url) }),
  options,
  label: (given) => given.path,
  problem: pathProblem,
  format: 'chosen',
  batch: () => ({ maxRecords: 1_000_000, maxBytes: 4 * 1024 * 1024 }),
  create: (given) => new FileExporter(given),
})

/** `file:///var/log/x.ndjson` is absolute; `file:x.ndjson` and `file://./x.ndjson` are relative to where it runs. */
function pathOf(url: URL): string {
  if (url.search !== '' || url.hash !== '') throw new Error('a file URL takes no query; use --file-… flags')
  if (url.hostname !== '' && url.hostname !== 'localhost') {
    throw new Error(
      `"${url.hostname}" would be a host: an absolute path has three slashes, file:///${url.hostname}${url.pathname}`,
    )
  }
  const path = fileURLToPath(new URL(`file://${url.pathname}`))
  if (path.endsWith('/'))
    throw new Error('expected the path of a file, such as file:///var/log/pgturret.ndjson')
  return resolve(path)
}

/** A folder that is missing or closed is found at start; later trouble (a full disk) is waited out. */
function pathProblem(given: Options): string | undefined {
  const folder = dirname(given.path)
  const status = statSync(given.path, { throwIfNoEntry: false })
  if (status?.isDirectory()) return `"${given.path}" is a folder; expected the path of a file`
  try {
    accessSync(status === undefined ? folder : given.path, constants.W_OK)
    return undefined
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return missing
      ? `the folder "${folder}" does not exist`
      : `"${given.path}" cannot be written: ${(error as Error).message}`
  }
}

/** Every record of pgturret's own JSON begins so: how a line that a killed process left unfinished is known. */
const OWN_START = '{"timestamp":"'
/** A torn line is looked for in the last bytes of a file. */
const TAIL_BYTES = 1024 * 1024

const openFile = promisify(open)
const closeFile = promisify(close)

class FileExporter implements Exporter {
  readonly #options: Options
  #fd = -1
  #size = 0
  /** Pipes and devices are written to, never cut or rotated. */
  #regular = false

  constructor(given: Options) {
    this.#options = given
  }

  async open(): Promise<void> {
    if (this.#fd >= 0) return
    const fd = await openFile(this.#options.path, 'a+', this.#options.mode)
    const status = fstatSync(fd)
    this.#fd = fd
    this.#regular = status.isFile()
    this.#size = this.#regular ? status.size : 0
    if (this.#regular && this.#size > 0) await this.#mendTail()
  }

  async send(batch: Batch): Promise<void> {
    await this.open()
    if (this.#mustRotate(batch.bytes.length)) await this.#rotate()
    try {
      await writeFully(this.#fd, batch.bytes)
      this.#size += batch.bytes.length
    } catch (error) {
      // Sent again as a whole later: half of it must not stay.
      if (this.#regular && (error as { written?: number }).written !== 0) ftruncateSync(this.#fd, this.#size)
      throw error
    }
  }

  async reopen(): Promise<void> {
    await this.close()
    await this.open()
  }

  async close(): Promise<void> {
    const fd = this.#fd
    this.#fd = -1
    if (fd >= 0) await closeFile(fd)
  }

  /** Cuts off the record that a killed process left half written (its sender sends it again), else ends a foreign line. */
  async #mendTail(): Promise<void> {
    const length = Math.min(this.#size, TAIL_BYTES)
    const tail = Buffer.alloc(length)
    readSync(this.#fd, tail, 0, length, this.#size - length)
    const lineEnd = tail.lastIndexOf(0x0a)
    if (lineEnd === length - 1) return
    const torn = tail.subarray(lineEnd + 1)
    if (torn.subarray(0, OWN_START.length).toString('latin1') === OWN_START.slice(0, torn.length)) {
      this.#size -= torn.length
      ftruncateSync(this.#fd, this.#size)
    } else {
      this.#size += await writeFully(this.#fd, Buffer.from('\n'))
    }
  }

  #mustRotate(more: number): boolean {
    const { maxSize } = this.#options
    return this.#regular && maxSize !== undefined && this.#size > 0 && this.#size + more > maxSize
  }

  async #rotate(): Promise<void> {
    const { path } = this.#options
    await this.close()
    renameSync(path, rotatedName(path))
    await this.open()
    this.#prune()
  }

  #prune(): void {
    const { path, keep } = this.#options
    if (keep === undefined) return
    const prefix = `${basename(path)}.`
    const rotated = readdirSync(dirname(path))
      .filter((name) => name.startsWith(prefix) && ROTATED.test(name.slice(prefix.length)))
      .sort()
    for (const name of rotated.slice(0, -keep)) rmSync(join(dirname(path), name), { force: true })
  }
}

/** What rotation puts behind a file's name; anything else in the folder is not ours to delete. */
const ROTATED = /^\d{8}T\d{9}Z(?:-\d+)?$/

/** `pg.ndjson.20260301T120000123Z`; a number follows in the case of two in one millisecond. */
function rotatedName(path: string): string {
  const time = new Date().toISOString().replace(/[-:.]/g, '')
  for (let attempt = 0; ; attempt++) {
    const name = `${path}.${time}${attempt === 0 ? '' : `-${attempt}`}`
    if (statSync(name, { throwIfNoEntry: false }) === undefined) return name
  }
}
