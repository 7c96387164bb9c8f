/** The listener's side of the protocol, as far as a test of the shim needs it: it keeps everything that came. */

import { chmodSync, rmSync } from 'node:fs'
import type { Socket, UnixSocketListener } from 'bun'
import {
  decodeDropped,
  decodeRing,
  decodeVersionText,
  encodeAcknowledgement,
} from '../../src/codec/control.ts'
import { FIELD_COUNT, FIELDS, type FieldName, walkFields } from '../../src/codec/fields.ts'
import { FrameDecoder, FrameType } from '../../src/codec/frame.ts'
import { fieldValue } from '../../src/codec/log.ts'

/** One record, by field name. Text is decoded as UTF-8; what its protocol does not have is absent. */
export type Fields = { [N in FieldName]?: string | number | bigint | null }

export interface Received {
  /** The sequence that the protocol implies; -1 in protocol 1. */
  sequence: bigint
  bootId: bigint
  fields: Fields
}

export interface Lost {
  first: bigint
  count: bigint
  elevel: number
  reason: string
}

interface Connection {
  decoder: FrameDecoder
  protocol: 1 | 2
  next: bigint
}

/** How far records are acknowledged: each at once, or not at all. */
export type Acknowledging = 'all' | 'none'

export class Listener {
  readonly path: string
  readonly records: Received[] = []
  readonly drops: Lost[] = []
  readonly versions: string[] = []
  readonly identities: string[] = []
  /** What `R` said, connection by connection. */
  readonly rings: { bootId: bigint; nextSequence: bigint }[] = []
  /** Whatever should not have come. */
  readonly complaints: string[] = []
  acknowledging: Acknowledging = 'all'
  /** How text is shown; 'latin1' shows each byte as it is, whatever the database's encoding. */
  decoding: 'utf8' | 'latin1' = 'utf8'
  /** Highest sequence that is "durable", per boot id: what a journal would know after a restart. */
  readonly durable = new Map<bigint, bigint>()
  #server: UnixSocketListener<Connection> | undefined
  readonly #sockets = new Set<Socket<Connection>>()

  constructor(path: string) {
    this.path = path
  }

  get messages(): string[] {
    return this.records.map(({ fields }) => String(fields.ErrMessage))
  }

  listen(): this {
    rmSync(this.path, { force: true })
    this.#server = Bun.listen<Connection>({
      unix: this.path,
      socket: {
        open: (socket) => {
          socket.data = { decoder: new FrameDecoder(), protocol: 2, next: 0n }
          this.#sockets.add(socket)
        },
        data: (socket, chunk) => this.#take(socket, chunk),
        close: (socket) => void this.#sockets.delete(socket),
      },
    })
    chmodSync(this.path, 0o777)
    return this
  }

  /** Stops reading, like a stopped process: connections stay, and the kernel's buffers fill. */
  pause(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume()
  }

  /** Cuts every connection, in the middle of whatever was under way. */
  cut(): void {
    for (const socket of this.#sockets) socket.terminate()
  }

  close(): void {
    this.cut()
    this.#server?.stop(true)
    rmSync(this.path, { force: true })
  }

  #take(socket: Socket<Connection>, chunk: Uint8Array): void {
    let fresh = false
    socket.data.decoder.push(chunk, (type, bytes, start, end) => {
      if (this.#frame(socket, type, bytes, start, end)) fresh = true
    })
    const ring = this.rings.at(-1)
    if (!fresh || ring === undefined || this.acknowledging === 'none') return
    this.durable.set(ring.bootId, socket.data.next - 1n)
    socket.write(encodeAcknowledgement({ bootId: ring.bootId, sequence: socket.data.next - 1n }))
  }

  /** @returns whether there is something new to acknowledge. */
  #frame(socket: Socket<Connection>, type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const connection = socket.data
    switch (type) {
      case FrameType.Version: {
        const text = decodeVersionText(bytes, start, end) ?? ''
        connection.protocol = text.endsWith('-1') ? 1 : 2
        this.versions.push(text)
        return false
      }
      case FrameType.Identity:
        this.identities.push(Buffer.from(bytes.subarray(start, end)).toString())
        return false
      case FrameType.Ring: {
        const ring = decodeRing(bytes, start, end)!
        const known = this.durable.get(ring.bootId) ?? -1n
        this.rings.push(ring)
        connection.next = known + 1n > ring.nextSequence ? known + 1n : ring.nextSequence
        socket.write(encodeAcknowledgement({ bootId: ring.bootId, sequence: known }))
        return false
      }
      case FrameType.Record:
        return this.#record(connection, bytes, start, end)
      case FrameType.Dropped: {
        const { firstSequence, ...rest } = decodeDropped(bytes, start, end)!
        if (firstSequence !== connection.next)
          this.complaints.push(`D at ${firstSequence} instead of ${connection.next}`)
        this.drops.push({ first: firstSequence, ...rest })
        connection.next = firstSequence + rest.count
        return true
      }
      case FrameType.Heartbeat:
        return false
      default:
        this.complaints.push(`frame of type ${type}`)
        return false
    }
  }

  #record(connection: Connection, bytes: Uint8Array, start: number, end: number): boolean {
    const count = FIELD_COUNT[connection.protocol]
    const spans = new Int32Array(2 * FIELDS.length)
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const stop = walkFields(bytes, words, start, end, spans, 0, count)
    if (stop !== end) this.complaints.push(`L of ${end - start} bytes, fields end at ${stop - start}`)
    const fields: Fields = {}
    FIELDS.slice(0, count).forEach(([name], index) => {
      const value = fieldValue(bytes, spans, index)
      fields[name] = value instanceof Uint8Array ? Buffer.from(value).toString(this.decoding) : value
    })
    const two = connection.protocol === 2
    this.records.push({
      sequence: two ? connection.next : -1n,
      bootId: this.rings.at(-1)?.bootId ?? -1n,
      fields,
    })
    if (two) connection.next += 1n
    return two
  }
}
