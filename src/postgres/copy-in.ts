import type { Client, Connection, Submittable } from 'pg'

/** Bytes of one CopyData message; the server takes any size, and holds one in memory. */
const COPY_BYTES = 256 * 1024

/** The client's parts that its types leave out. */
interface Wire {
  readonly stream: { destroy(): void; write(bytes: Uint8Array): boolean }
  query(sql: string): void
  endCopyFrom(): void
}

/** The connection's socket. */
export const streamOf = (client: Client): Wire['stream'] =>
  (client as unknown as { connection: Wire }).connection.stream

/** A statement that takes bytes, by the calls that the client makes while it is at work on it. */
export class CopyIn implements Submittable {
  readonly #sql: string
  readonly #bytes: Uint8Array
  readonly #resolve: () => void
  readonly #reject: (error: Error) => void
  #failed = false

  constructor(sql: string, bytes: Uint8Array, resolve: () => void, reject: (error: Error) => void) {
    this.#sql = sql
    this.#bytes = bytes
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(connection: Connection): void {
    ;(connection as unknown as Wire).query(this.#sql)
  }

  handleCopyInResponse(connection: Connection): void {
    const wire = connection as unknown as Wire
    const { length } = this.#bytes
    for (let at = 0; at < length; at += COPY_BYTES) {
      const end = Math.min(length, at + COPY_BYTES)
      // The bytes go to the socket as they lie; the client's own way would copy them first.
      wire.stream.write(copyDataHead(end - at))
      wire.stream.write(this.#bytes.subarray(at, end))
    }
    wire.endCopyFrom()
  }

  handleCommandComplete(): void {
    // The transaction has not ended before the server is ready for the next one.
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.#resolve()
  }

  handleError(error: Error): void {
    this.#failed = true
    this.#reject(error)
  }
}

/** `d`, and the length of what follows with itself. */
function copyDataHead(bytes: number): Uint8Array {
  const head = Buffer.alloc(5)
  head[0] = 0x64
  head.writeInt32BE(bytes + 4, 1)
  return head
}
