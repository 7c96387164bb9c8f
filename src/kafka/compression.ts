import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'

/** Names of the codecs, as Kafka calls them. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** A codec, ready for use. */
export interface PackingCodec {
  /** Its number in a batch's attributes. */
  readonly attribute: number
  /** The bytes may be written over as soon as it has resolved. */
  readonly pack: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>
}

/** How record batches are packed; undefined: not at all. */
export type Codec = PackingCodec | undefined

const gzip = promisify(gzipCallback)

/** Makes a codec; snappy and lz4 come from the client library, which is loaded then. */
export async function codecOf(name: (typeof COMPRESSIONS)[number]): Promise<Codec> {
  const attribute = COMPRESSIONS.indexOf(name)
  if (name === 'none') return undefined
  if (name === 'gzip') return { attribute, pack: (bytes) => gzip(bytes, { level: 1 }) }
  if (name === 'zstd') return { attribute, pack: (bytes) => Bun.zstdCompress(bytes, { level: 1 }) }
  const { compressionsAlgorithms } = await import('@platformatic/kafka')
  return {
    attribute,
    pack: (bytes) =>
      compressionsAlgorithms[name].compressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
  }
}
