import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'

const gzip = promisify(gzipCallback)
/** Output comes in pieces of so many bytes, each of which costs a turn of the event loop; the default is 16 kB. */
const GZIP_PIECE = 128 * 1024

/** Ways to compress the body of a request, as options name them. */
export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const

/** One of them. */
export type Compression = (typeof COMPRESSIONS)[number]

/** Compresses off the main thread; fast rather than small, log lines are small either way. */
export async function compress(bytes: Uint8Array, how: Compression): Promise<Uint8Array> {
  if (how === 'gzip') return gzip(bytes, { level: 1, chunkSize: GZIP_PIECE })
  return how === 'zstd' ? Bun.zstdCompress(bytes as Uint8Array<ArrayBuffer>, { level: 1 }) : bytes
}
