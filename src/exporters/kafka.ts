import { z } from 'zod'
import { choice, integer, size, text } from '../config/values.ts'
import { type Batch, defineExporter, type Exporter, type ExporterContext } from '../exporter.ts'
import { parseKafkaUrl } from '../kafka/address.ts'
import { COMPRESSIONS } from '../kafka/compression.ts'
import {
  connectOptions,
  connectOptionsOf,
  connectProblem,
  transportOptions,
} from '../kafka/connect-options.ts'
import type { Producer } from '../kafka/producer.ts'
import type { Encoder, Encoding } from '../render/encoder.ts'
import { EnvelopeEncoder } from '../render/envelope.ts'
import { FebeRecordEncoder } from '../render/febe-record.ts'
import { KAFKA_KEYS, KafkaEnvelopeHead } from '../render/kafka-envelope.ts'
import { RequestEncoder } from '../render/otlp/request-encoder.ts'
import { TopicTemplate, topicProblem } from '../render/topic-template.ts'
import { VERSION } from '../version.ts'

const DEFAULT_TOPIC = 'pg-logs'
/** Record batches of one partition in a batch of the pipeline. */
const PIECES = 8

const options = z.object({
  urlTopic: z.string().optional().meta({ fromUrl: true }),
  ...connectOptions.shape,
  topic: text('TOPIC')
    .optional()
    .meta({
      description: `topic, or a template of {identity}, {database}, {severity} (default: the one in the URL, or ${DEFAULT_TOPIC})`,
      example: 'pg-logs-{identity}',
    }),
  records: choice(['json', 'febe', 'otlp']).prefault('json').meta({
    description:
      'value of a record: JSON; the frame as it came, for replay kafka://…; or a request of OTLP in protobuf',
  }),
  partitionBy: choice(KAFKA_KEYS)
    .prefault('session')
    .meta({ description: 'key: records with the same one keep their order' }),
  compression: choice(COMPRESSIONS).prefault('none').meta({ description: 'codec of the record batches' }),
  createTopics: z
    .boolean()
    .prefault(false)
    .meta({ description: 'let the broker create a topic that is not there, if it is set up to' }),
  batchRecords: integer(1, 1_000_000).prefault('20000').meta({ description: 'most records sent at a time' }),
  batchBytes: size().prefault('450kB').meta({
    description:
      "most bytes of one record batch, before compression; the topic's max.message.bytes is the limit",
  }),
})

type Options = z.output<typeof options>

/** A Kafka topic, each event a record of its own. */
export default defineExporter({
  name: 'kafka',
  summary: 'Sends each event as a record to a Kafka topic.',
  schemes: ['kafka', 'kafkas'],
  example: 'kafka://broker-1:9092,broker-2:9092/pg-logs',
  fromUrlText: fromUrl,
  options,
  problem: (given) => topicProblem(topicOf(given)) ?? connectProblem(given),
  label: (given) => `kafka://${given.brokers.join(',')}/${topicOf(given)}`,
  format: 'json',
  batch: (given) => ({ maxRecords: given.batchRecords, maxBytes: PIECES * given.batchBytes }),
  encoding,
  create: (given, context) => new KafkaExporter(given, context),
})

function fromUrl(given: string): Record<string, unknown> {
  const url = parseKafkaUrl(given)
  const unknown = [...url.query.keys()][0]
  if (unknown !== undefined) throw new Error(`a Kafka URL takes no "?${unknown}=…": there are options for it`)
  return { ...connectOptionsOf(url), ...(url.topic === undefined ? {} : { urlTopic: url.topic }) }
}

const topicOf = (given: Options): string => given.topic ?? given.urlTopic ?? DEFAULT_TOPIC

function encoding(given: Options, plain: Encoding): Encoding {
  const { records, partitionBy } = given
  const topic = topicOf(given)
  const { contentType, body } = valuesOf(records, plain)
  return {
    // A fixed topic is not in the bytes.
    name: `kafka ${records} ${partitionBy} ${topic.includes('{') ? topic : ''}`,
    encoder: () =>
      new EnvelopeEncoder(
        body(),
        new KafkaEnvelopeHead({ key: partitionBy, topic: new TopicTemplate(topic), contentType }),
      ),
  }
}

/** What stands in the values of records, and what their header calls it. */
function valuesOf(
  records: Options['records'],
  plain: Encoding,
): { contentType: string; body: () => Encoder } {
  if (records === 'json') return { contentType: 'application/json', body: plain.encoder }
  if (records === 'febe')
    return { contentType: 'application/vnd.pgturret.febe', body: () => new FebeRecordEncoder() }
  const options = { fatalAs: 'fatal', now: () => Date.now() * 1000 } as const
  const sender = { serviceName: 'postgresql', version: VERSION }
  return { contentType: 'application/x-protobuf', body: () => new RequestEncoder(options, sender) }
}

class KafkaExporter implements Exporter {
  readonly #options: Options
  readonly #context: ExporterContext
  #producer: Promise<Producer> | undefined

  constructor(given: Options, context: ExporterContext) {
    this.#options = given
    this.#context = context
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    await (await this.#loaded()).send(batch, signal)
  }

  async check(): Promise<string> {
    const producer = await this.#loaded()
    const topic = topicOf(this.#options)
    if (topic.includes('{')) {
      await producer.open()
      return 'a broker answered'
    }
    const partitions = await producer.partitions(topic)
    return `topic ${topic} has ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`
  }

  async close(): Promise<void> {
    if (this.#producer !== undefined) await (await this.#producer).close()
  }

  /** The client library is large: it is loaded when there is a destination that needs it. */
  #loaded(): Promise<Producer> {
    this.#producer ??= this.#load()
    return this.#producer
  }

  async #load(): Promise<Producer> {
    const { Producer } = await import('../kafka/producer.ts')
    const given = this.#options
    const topic = topicOf(given)
    return new Producer({
      clientId: this.#context.userAgent.replace('/', '-'),
      brokers: given.brokers,
      transport: transportOptions(given),
      topic: topic.includes('{') ? undefined : topic,
      compression: given.compression,
      pieceBytes: given.batchBytes,
      lineEnd: given.records === 'json' ? 1 : 0,
      timeoutMs: given.timeout,
      createTopics: given.createTopics,
    })
  }
}
