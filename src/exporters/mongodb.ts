import type { Collection, Db, MongoClient, MongoClientOptions, W } from 'mongodb'
import { z } from 'zod'
import { connectionOf } from '../config/http-options.ts'
import { Secret } from '../config/secret.ts'
import { tlsOptions, tlsProblem } from '../config/tls-options.ts'
import { age, choice, duration, integer, secret, size, text } from '../config/values.ts'
import { type Batch, defineExporter, type Exporter } from '../exporter.ts'
import { insertVerdict, verdictOn } from '../mongodb/verdict.ts'
import { DocumentHead, documentsOf, type Int64, type RecordDocument } from '../render/document.ts'
import { EnvelopeEncoder } from '../render/envelope.ts'

/** MongoDB takes no more documents in one command. */
const MOST_DOCUMENTS = 100_000
const NAMESPACE_EXISTS = 48
const TIME = 'timestamp'

const options = z.object({
  /** With what may be a password in it. */
  uri: z.instanceof(Secret).meta({ fromUrl: true }),
  username: text('NAME').optional().meta({ description: 'user, where the URL has none', example: 'logger' }),
  password: secret().optional().meta({ description: "the user's password", example: 'env:MONGODB_PASSWORD' }),
  collection: text('NAME')
    .prefault('postgres_logs')
    .meta({ description: 'collection, made where it is missing' }),
  timeSeries: z.boolean().prefault(false).meta({
    description:
      'make it a time series collection: smaller, but a record that is sent again may be there twice',
  }),
  expireAfter: age().optional().meta({
    description: 'have the server delete records older than that, by a TTL index (default: keep all)',
  }),
  writeConcern: text('W').prefault('majority').meta({
    description: 'which members must have a record before it counts as there: majority, or how many',
  }),
  compression: choice(['none', 'zlib']).prefault('none').meta({ description: 'compression of messages' }),
  batchRecords: integer(1, MOST_DOCUMENTS)
    .prefault('5000')
    .meta({ description: 'most documents in one insert' }),
  batchBytes: size().prefault('8MB').meta({ description: 'most bytes in one insert, as JSON' }),
  timeout: duration().prefault('30s').meta({ description: 'how long a connection or an insert may take' }),
  ...tlsOptions,
})

type Options = z.output<typeof options>

/** A collection of MongoDB, or of what speaks its protocol. */
export default defineExporter({
  name: 'mongodb',
  summary: 'Inserts each record as a document into a collection of MongoDB.',
  schemes: ['mongodb', 'mongodb+srv'],
  example: 'mongodb://db.example/logs',
  fromUrlText: (given) => ({ uri: new Secret(checked(given)) }),
  options,
  problem: (given) =>
    (given.password === undefined) === (given.username === undefined)
      ? tlsProblem(given)
      : 'username and password go together: give both, or both in the URL',
  label: ({ uri, collection }) => `${withoutSecrets(uri.reveal())}.${collection}`,
  format: 'json',
  batch: ({ batchRecords, batchBytes }) => ({ maxRecords: batchRecords, maxBytes: batchBytes }),
  encoding: (_, plain) => ({
    name: 'document',
    encoder: () => new EnvelopeEncoder(plain.encoder(), new DocumentHead()),
  }),
  create: (given) => new MongodbExporter(given),
})

const URI = /^(mongodb(?:\+srv)?:\/\/)(?:([^@/]*)@)?([^@/?]+)\/([^/?]+)(?:\?([^#]*))?$/i

/** `mongodb://user:password@host1,host2/database?options`, as MongoDB has it, but for the database: it must be there. */
function checked(given: string): string {
  if (!URI.test(given)) throw new Error('expected mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE')
  return given
}

const withoutSecrets = (uri: string): string => uri.replace(URI, '$1$3/$4')

/** What must not be shown, as it stands in the URL and as it is meant. */
function secretsOf({ uri, password }: Options): string[] {
  const given = URI.exec(uri.reveal())?.[2]?.split(':')[1] ?? ''
  return [given, decodeURIComponent(given), password?.reveal() ?? ''].filter((one) => one !== '')
}

class MongodbExporter implements Exporter {
  readonly #given: Options
  #client: MongoClient | undefined
  #int64: Int64 | undefined
  #collection: Collection<RecordDocument> | undefined

  constructor(given: Options) {
    this.#given = given
  }

  async send(batch: Batch, given: AbortSignal): Promise<void> {
    if (batch.records === 0) return
    const { timeout } = this.#given
    const signal = AbortSignal.any([given, AbortSignal.timeout(timeout)])
    const collection = await this.#ready(signal)
    const documents = documentsOf(batch, { now: Date.now(), int64: this.#int64! })
    try {
      // The types of the driver want ids to be its own.
      await until(signal, collection.insertMany(documents as never, { ordered: false }))
    } catch (thrown) {
      const conceal = this.#conceal
      const verdict = insertVerdict({ thrown, records: batch.records, timeoutMs: timeout, conceal })
      if (verdict !== undefined) throw verdict
    }
  }

  async check(given: AbortSignal): Promise<string> {
    const { timeout } = this.#given
    const started = performance.now()
    const signal = AbortSignal.any([given, AbortSignal.timeout(timeout)])
    await this.#try(async () => until(signal, (await this.#database(signal)).command({ ping: 1 })))
    return `answered OK in ${Math.round(performance.now() - started)} ms`
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#collection = undefined
    await client?.close().catch(() => undefined)
  }

  /** The collection, made as it was asked for. */
  async #ready(signal: AbortSignal): Promise<Collection<RecordDocument>> {
    if (this.#collection !== undefined) return this.#collection
    return this.#try(async () => {
      const database = await this.#database(signal)
      await until(signal, this.#prepare(database))
      this.#collection = database.collection<RecordDocument>(this.#given.collection)
      return this.#collection
    })
  }

  async #prepare(database: Db): Promise<void> {
    const { collection, timeSeries, expireAfter } = this.#given
    const expires = expireAfter === undefined ? {} : { expireAfterSeconds: Math.ceil(expireAfter / 1000) }
    if (!timeSeries) {
      if (expireAfter !== undefined) await database.collection(collection).createIndex({ [TIME]: 1 }, expires)
      return
    }
    const timeseries = { timeField: TIME, metaField: 'identity', granularity: 'seconds' } as const
    await database
      .createCollection(collection, { timeseries, ...expires })
      .catch((error: { code?: number }) => {
        if (error.code !== NAMESPACE_EXISTS) throw error
      })
  }

  /** The driver is loaded here: few need it, and it is large. A client that has not got through once is of no more use. */
  async #database(signal: AbortSignal): Promise<Db> {
    if (this.#client === undefined) {
      const { MongoClient: Client, Long } = await import('mongodb')
      this.#int64 = (high, low) => new Long(low, high)
      const client = new Client(this.#given.uri.reveal(), clientOptions(this.#given))
      try {
        await until(signal, client.connect())
      } catch (error) {
        void client.close().catch(() => undefined)
        throw error
      }
      this.#client = client
    }
    return this.#client.db()
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      throw verdictOn({ thrown, timeoutMs: this.#given.timeout, conceal: this.#conceal })
    }
  }

  readonly #conceal = (said: string): string =>
    secretsOf(this.#given).reduce((shown, one) => shown.replaceAll(one, '[redacted]'), said)
}

function clientOptions(given: Options): MongoClientOptions {
  const { timeout, writeConcern, compression, username, password } = given
  const { tls } = connectionOf({ ...given, proxy: undefined })
  return {
    appName: 'pgturret',
    // Before the whole is given up, so that it is known why.
    serverSelectionTimeoutMS: timeout * 0.9,
    connectTimeoutMS: timeout,
    socketTimeoutMS: timeout,
    // The driver's type leaves out that a text may name a rule of the replica set's own.
    writeConcern: { w: (/^\d+$/.test(writeConcern) ? Number(writeConcern) : writeConcern) as W },
    ...(compression === 'zlib' && { compressors: ['zlib'] }),
    ...(username !== undefined && { auth: { username, password: password?.reveal() ?? '' } }),
    ...(tls && {
      tls: true,
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(tls.cert !== undefined && { cert: tls.cert, key: tls.key ?? '' }),
      ...(tls.serverName !== undefined && { servername: tls.serverName }),
      ...(tls.rejectUnauthorized === false && {
        tlsAllowInvalidCertificates: true,
        tlsAllowInvalidHostnames: true,
      }),
    }),
  }
}

/** Ends with the signal; what goes on behind it is nobody's business any more. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  work.catch(() => undefined)
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort))
}
