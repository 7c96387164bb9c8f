import { CRC32C_KERNEL } from './crc32c-kernel.generated.ts'

/** What the compiled module offers: see kernel/crc32c.ts. */
interface Compiled {
  readonly memory: WebAssembly.Memory
  fold(from: number, to: number): void
  settle(from: number): void
}

/** What remains of a message, in bytes. */
export const REMAINS = 209 * 8
/** Bytes of a message in the kernel's memory at a time: they fit into the processor's nearest cache. */
const PART = 16 * 1024

class Folder {
  readonly #compiled: Compiled
  /** What came before the part, and the part. */
  readonly #memory: Uint8Array

  constructor(compiled: Compiled) {
    this.#compiled = compiled
    this.#memory = new Uint8Array(compiled.memory.buffer, 0, REMAINS + PART)
  }

  fold(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const memory = this.#memory
    memory.fill(0, 0, REMAINS)
    const last = end - REMAINS
    for (let at = start; at < last; ) {
      const part = Math.min(PART, last - at)
      memory.set(bytes.subarray(at, at + part), REMAINS)
      // The register begins with ones.
      if (at === start) for (let i = 0; i < 4; i++) memory[REMAINS + i]! ^= 0xff
      this.#compiled.fold(REMAINS, REMAINS + part)
      memory.copyWithin(0, part, part + REMAINS)
      at += part
    }
    memory.set(bytes.subarray(last, end), REMAINS)
    this.#compiled.settle(REMAINS)
    return memory.subarray(REMAINS, 2 * REMAINS)
  }
}

let folder: Folder | undefined

/**
 * Bytes whose remainder, with a register that begins with zeros, is that of `bytes[start..end)` with one that begins with ones.
 * They may be used until the next call.
 *
 * @param end so that a multiple of 8 bytes is over `REMAINS`
 */
export function fold(bytes: Uint8Array, start: number, end: number): Uint8Array {
  folder ??= new Folder(
    new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(CRC32C_KERNEL, 'base64')))
      .exports as unknown as Compiled,
  )
  return folder.fold(bytes, start, end)
}
