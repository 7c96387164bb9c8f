import { closeSync, close as fsClose, open as fsOpen, read as fsRead, openSync, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'
import { InputError } from '../errors.ts'
import { isJson } from './json-lines.ts'
import { ZstdEnd } from './zstd-end.ts'

const open = promisify(fsOpen)
const read = promisify(fsRead)
const close = promisify(fsClose)

/** Bytes of a dump, one piece after the other. */
export interface DumpInput {
  /** Bytes of the file that were read so far, as they lie there. */
  readonly fileBytes: number
  /**
   * The next piece, valid until the next one is asked for; undefined at the end.
   *
   * @throws InputError where compressed bytes are damaged or cut off; the system's error where nothing can be read
   */
  read(): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

const STDIN = 0
/** The first piece is small, so that its first record is seen at once. */
const FIRST_BYTES = 64 * 1024
/** Large enough that the way to the disk and back does not count. */
const READ_BYTES = 512 * 1024
const MAGIC_BYTES = 4

type Compression = 'gzip' | 'zstd'

/** How bytes are compressed, by what they begin with: a dump begins with `V`. */
function compressionOf(bytes: Uint8Array): Compression | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip'
  const isZstd = bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd
  return isZstd ? 'zstd' : undefined
}

/**
 * Whether frames lie in a file as they are, so that a place in it is one between frames: it is neither compressed nor JSON.
 *
 * @throws the system's error when it cannot be read
 */
export function isPlainDump(path: string): boolean {
  const fd = openSync(path, 'r')
  try {
    const buffer = new Uint8Array(MAGIC_BYTES)
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, MAGIC_BYTES, 0))
    return compressionOf(bytes) === undefined && !isJson(bytes)
  } finally {
    closeSync(fd)
  }
}

/**
 * Opens a dump, which may be compressed with gzip or zstd; `-` is standard input.
 *
 * @param from offset of the first byte that is wanted, in a file that is not compressed
 * @throws the system's error when it cannot be opened or read
 */
export async function openDump(path: string, from = 0): Promise<DumpInput> {
  const file = new FileInput(path === '-' ? STDIN : await open(path, 'r'), from)
  if (from > 0) return file
  try {
    const first = await firstPiece(file)
    const compression = compressionOf(first)
    const whole = new WithFirst(first, file)
    return compression === undefined ? whole : new Decompressed(whole, compression)
  } catch (error) {
    await file.close()
    throw error
  }
}

/** What a pipe gives first may be shorter than what tells how it is compressed. */
async function firstPiece(file: FileInput): Promise<Uint8Array> {
  let first: Uint8Array = Buffer.from((await file.read()) ?? [])
  while (first.length < MAGIC_BYTES) {
    const more = await file.read()
    if (more === undefined) break
    first = Buffer.concat([first, more])
  }
  return first
}

/** A file or a pipe: while one piece is worked on the next is read. */
class FileInput implements DumpInput {
  fileBytes = 0
  readonly #fd: number
  readonly #buffers: [Uint8Array, Uint8Array] = [new Uint8Array(FIRST_BYTES), new Uint8Array(READ_BYTES)]
  #turn = 0
  #closed = false
  /** Where to read; null: where the last read ended. */
  #at: number | null
  #pending: Promise<{ bytesRead: number }>

  constructor(fd: number, from: number) {
    this.#fd = fd
    this.#at = from > 0 ? from : null
    this.#pending = this.#begin()
  }

  async read(): Promise<Uint8Array | undefined> {
    const { bytesRead } = await this.#pending
    // The number of a closed file may be given to another one at once: nobody may read from it then.
    if (bytesRead === 0 || this.#closed) return undefined
    const piece = this.#buffers[this.#turn & 1]!.subarray(0, bytesRead)
    if (++this.#turn === 2) this.#buffers[0] = new Uint8Array(READ_BYTES)
    if (this.#at !== null) this.#at += bytesRead
    this.fileBytes += bytesRead
    this.#pending = this.#begin()
    return piece
  }

  /** A file must not be closed under a read; standard input is not closed, and may be silent for hours. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#fd === STDIN) return
    await this.#pending.catch(() => undefined)
    await close(this.#fd)
  }

  #begin(): Promise<{ bytesRead: number }> {
    const buffer = this.#buffers[this.#turn & 1]!
    const pending = read(this.#fd, buffer, 0, buffer.length, this.#at)
    // A failed read is reported when it is awaited, not when it happens.
    pending.catch(() => undefined)
    return pending
  }
}

/** An input of which something was read already. */
class WithFirst implements DumpInput {
  #first: Uint8Array | undefined
  readonly #rest: DumpInput

  constructor(first: Uint8Array, rest: DumpInput) {
    this.#first = first.length === 0 ? undefined : first
    this.#rest = rest
  }

  get fileBytes(): number {
    return this.#rest.fileBytes
  }

  async read(): Promise<Uint8Array | undefined> {
    const first = this.#first
    this.#first = undefined
    return first ?? this.#rest.read()
  }

  close(): Promise<void> {
    return this.#rest.close()
  }
}

/** Decompresses as much as is asked for. */
class Decompressed implements DumpInput {
  readonly #input: DumpInput
  readonly #stream: Gunzip | ZstdDecompress
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #isZstd: boolean
  readonly #end = new ZstdEnd()
  /** Compressed bytes that were read. */
  #offset = 0

  constructor(input: DumpInput, compression: Compression) {
    this.#input = input
    this.#isZstd = compression === 'zstd'
    const options = { chunkSize: READ_BYTES / 2 }
    this.#stream = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
    this.#pieces = this.#stream[Symbol.asyncIterator]()
    void this.#feed()
  }

  get fileBytes(): number {
    return this.#input.fileBytes
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#pieces.next()
      if (!done) return value
      if (this.#end.isEnd) return undefined
      throw Object.assign(new Error('unexpected end of file'), { code: 'Z_BUF_ERROR' })
    } catch (error) {
      const { code, message, syscall } = error as NodeJS.ErrnoException
      if (syscall !== undefined) throw error
      const isCut = code === 'Z_BUF_ERROR'
      const what = isCut ? 'the compressed file is cut off' : `the compressed file is damaged: ${message}`
      throw new InputError(isCut ? 'truncated' : 'malformed_frame', what, this.#offset)
    }
  }

  async close(): Promise<void> {
    this.#stream.destroy()
    await this.#input.close()
  }

  async #feed(): Promise<void> {
    const stream = this.#stream
    try {
      for (let piece = await this.#input.read(); piece !== undefined; piece = await this.#input.read()) {
        this.#offset += piece.length
        if (this.#isZstd) this.#end.push(piece)
        // The piece is used again after the next read.
        const taken = Promise.withResolvers<void>()
        stream.write(piece, (error) => (error ? taken.reject(error) : taken.resolve()))
        await taken.promise
      }
      stream.end()
    } catch (error) {
      stream.destroy(error as Error)
    }
  }
}
