import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { BSON, Long } from 'mongodb'
import type { Harness, Manner, Received, ServerTls, Serving, Target } from './conformance.ts'

/** What a document holds. */
export type Stored = Readonly<Record<string, unknown>>

/** What a server differs in from others. */
export interface MongoOptions {
  /** Most documents that one insert may hold; what MongoDB has by default. */
  readonly maxWriteBatchSize?: number
  /** Beside what an insert would be answered: a write concern error, another error for marked records. */
  readonly answer?: Readonly<Record<string, unknown>>
  /** Code of errors of documents that are refused in part. */
  readonly refusedCode?: number
  /** The whole answer to the first insert, in place of any. */
  readonly first?: Readonly<Record<string, unknown>>
  /** In the message of such errors. */
  readonly refusedText?: string
}

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const HEADER_BYTES = 16
const MOST_DOCUMENT_BYTES = 16 * 1024 * 1024
const MOST_MESSAGE_BYTES = 48_000_000

const DOCUMENT_VALIDATION = 121
const WRITE_CONFLICT = 112
const DUPLICATE_KEY = 11000

/** A server of MongoDB's protocol: one database, collections that keep order, users by PLAIN. It refuses what MongoDB refuses. */
export class MongoHarness implements Harness {
  /** Documents by collection and id. */
  readonly collections = new Map<string, Map<unknown, Stored>>()
  /** Commands as they came, without documents. */
  readonly commands: Stored[] = []
  readonly #options: MongoOptions
  readonly #tls: ServerTls | undefined
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  #manner: Manner = { does: 'accept' }
  #hanging = 0
  #inserts = 0
  #credentials = ''

  private constructor(options: MongoOptions, { tls }: Serving) {
    this.#options = options
    this.#tls = tls
  }

  static async start(serving: Serving, options: MongoOptions = {}): Promise<MongoHarness> {
    const harness = new MongoHarness(options, serving)
    await harness.restart()
    return harness
  }

  target(secret: string): Target {
    const query = `authMechanism=PLAIN&authSource=$external${this.#tls ? '&tls=true' : ''}`
    return {
      to: `mongodb://logger:${encodeURIComponent(secret)}@127.0.0.1:${this.#port}/logs?${query}`,
      options: { timeout: '1s' },
    }
  }

  received(): readonly Received[] {
    return [...(this.collections.get('postgres_logs')?.values() ?? [])].map(({ message, detail }) => ({
      message: String(message),
      detail: detail as string | undefined,
    }))
  }

  behave(manner: Manner): unknown {
    this.#manner = manner
    return manner.does !== 'be busy' || manner.retryAfterSeconds === undefined
  }

  hanging(): number {
    return this.#hanging
  }

  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
  }

  async restart(): Promise<void> {
    const { cert, key, clientCa } = this.#tls ?? {}
    const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
    const take = (socket: Socket) => this.#take(socket)
    const server =
      cert === undefined ? createServer(take) : createTlsServer({ cert, key: key!, ...mutual }, take)
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
    this.behave({ does: 'accept' })
  }

  stop(): Promise<void> {
    return this.kill()
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
        const message = rest.subarray(0, rest.readInt32LE(0))
        rest = rest.subarray(message.length)
        const answer = this.#answer(message)
        if (answer !== undefined) socket.write(answer)
      }
    })
  }

  #answer(message: Buffer): Buffer | undefined {
    const id = message.readInt32LE(4)
    if (message.readInt32LE(12) === OP_QUERY)
      return framed(OP_REPLY, id, [Buffer.alloc(16), Buffer.of(1, 0, 0, 0), bson(this.#hello())])
    if (message.length > MOST_MESSAGE_BYTES)
      return framed(OP_MSG, id, [Buffer.alloc(5), bson(failure(10334, 'message is too large'))])
    const { command, documents } = commandIn(message)
    const reply = this.#reply(command, documents)
    return reply && framed(OP_MSG, id, [Buffer.alloc(5), bson(reply)])
  }

  #hello(): Stored {
    return {
      ismaster: true,
      helloOk: true,
      maxBsonObjectSize: MOST_DOCUMENT_BYTES,
      maxMessageSizeBytes: MOST_MESSAGE_BYTES,
      maxWriteBatchSize: this.#options.maxWriteBatchSize ?? 100_000,
      minWireVersion: 0,
      maxWireVersion: 21,
      ok: 1,
    }
  }

  #reply(command: Stored, documents: readonly Stored[]): Stored | undefined {
    const name = Object.keys(command)[0]!
    if (name === 'hello' || name === 'ismaster') return this.#hello()
    this.commands.push(command)
    if (name === 'saslStart') {
      this.#credentials = (command['payload'] as BSON.Binary).toString()
      return { conversationId: 1, done: true, payload: new BSON.Binary(Buffer.alloc(0)), ok: 1 }
    }
    if (name === 'create' || name === 'createIndexes' || name === 'ping') return { ok: 1 }
    if (name === 'insert') return this.#insert(command, documents)
    return name === 'endSessions' ? { ok: 1 } : failure(59, `no such command: '${name}'`)
  }

  #insert(command: Stored, documents: readonly Stored[]): Stored | undefined {
    const { first } = this.#options
    if (first !== undefined && this.#inserts++ === 0) return first
    const manner = this.#manner
    const isMarked = ({ message }: Stored) => 'marked' in manner && String(message).includes(manner.marked)
    if (manner.does === 'hang') {
      this.#hanging++
      return undefined
    }
    if (manner.does === 'block') return failure(13, 'not authorized on logs to execute command')
    if (manner.does === 'be busy') return failure(262, 'operation exceeded time limit')
    if (manner.does === 'echo') return failure(2, `refused: ${this.#credentials}`)
    if (manner.does === 'limit' && documents.length > manner.records)
      return failure(10334, 'BSONObj size is invalid')
    if (manner.does === 'refuse' && documents.some(isMarked)) return failure(2, 'no such thing')
    if (command['ordered'] !== false) return failure(2, 'an insert that stops at the first error')
    if (documents.length > (this.#options.maxWriteBatchSize ?? 100_000)) return failure(21, 'too many')
    const { refusedCode = DOCUMENT_VALIDATION, refusedText = 'Document failed validation' } = this.#options
    const code = manner.does === 'retry in part' ? WRITE_CONFLICT : refusedCode
    const errors = documents.flatMap((document, index) => {
      if (isMarked(document)) return [{ index, code, errmsg: refusedText }]
      return this.#store(String(command['insert']), document)
        ? []
        : [
            {
              index,
              code: DUPLICATE_KEY,
              errmsg: 'E11000 duplicate key error collection: logs.c index: _id_ dup key',
            },
          ]
    })
    const answer = { ok: 1, n: documents.length - errors.length, ...this.#options.answer }
    return errors.length === 0 ? answer : { ...answer, writeErrors: errors }
  }

  #store(name: string, document: Stored): boolean {
    const collection = this.collections.get(name) ?? new Map<unknown, Stored>()
    this.collections.set(name, collection)
    if (collection.has(document['_id'])) return false
    collection.set(document['_id'], document)
    return true
  }
}

const failure = (code: number, errmsg: string): Stored => ({ ok: 0, code, errmsg })

const bson = (document: Stored): Uint8Array => BSON.serialize(document)

function framed(code: number, to: number, parts: readonly Uint8Array[]): Buffer {
  const length = HEADER_BYTES + parts.reduce((sum, part) => sum + part.length, 0)
  const header = Buffer.alloc(HEADER_BYTES)
  for (const [i, value] of [length, 1, to, code].entries()) header.writeInt32LE(value, 4 * i)
  return Buffer.concat([header, ...parts])
}

/** The command of an OP_MSG, and the documents of its sequence. */
function commandIn(message: Buffer): { command: Stored; documents: Stored[] } {
  if (message.readInt32LE(12) !== OP_MSG) throw new Error('neither OP_MSG nor OP_QUERY')
  let command: Stored = {}
  let documents: Stored[] = []
  for (let at = HEADER_BYTES + 4; at < message.length; ) {
    const kind = message[at++]
    const length = message.readInt32LE(at)
    if (kind === 0) command = read(message.subarray(at, at + length))
    else documents = sequence(message.subarray(message.indexOf(0, at + 4) + 1, at + length))
    at += length
  }
  return { command, documents: (command['documents'] as Stored[] | undefined) ?? documents }
}

function sequence(bytes: Buffer): Stored[] {
  const documents: Stored[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readInt32LE(at)
    if (length > MOST_DOCUMENT_BYTES) throw new Error('a document of more than 16 MiB')
    documents.push(read(bytes.subarray(at, at + length)))
    at += length
  }
  return documents
}

const read = (bytes: Uint8Array): Stored => BSON.deserialize(bytes, { promoteLongs: false })

/** A 64-bit integer as the harness keeps it. */
export const int64 = (value: bigint): Long => Long.fromBigInt(value)
