import { type Connection, produceV7, produceV9, type Reader, Writer } from '@platformatic/kafka'

/** One record batch on its way to one partition. */
export interface Shipment {
  readonly topic: string
  readonly partition: number
  /** Writes it; called when the request is made. */
  readonly bytes: () => Buffer
}

/** What a broker said of one partition. */
export interface PartitionAnswer {
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly message: string | null
  /** Records that are at fault, by their place in the batch, where the broker says which. */
  readonly culprits: readonly { readonly index: number; readonly reason: string | null }[]
}

/** A broker's answer to one request. */
export interface ProduceAnswer {
  readonly partitions: readonly PartitionAnswer[]
  /** How long the broker wishes to hear nothing, in milliseconds. */
  readonly throttleMs: number
}

type ProduceResponse = ReturnType<typeof produceV9.parseResponse>

const PRODUCE = 0
const ALL_REPLICAS = -1

/**
 * Sends record batches, at most one for each partition, and waits for every replica that is in sync to have them.
 *
 * @param version highest version of the request that the broker speaks
 */
export function produce(
  connection: Connection,
  version: number,
  shipments: readonly Shipment[],
  timeoutMs: number,
): Promise<ProduceAnswer> {
  const flexible = version >= 9
  const parse = flexible ? produceV9.parseResponse : produceV7.parseResponse
  return new Promise((resolve, reject) => {
    connection.send(
      PRODUCE,
      flexible ? 9 : 7,
      () => request(shipments, timeoutMs, flexible),
      (...args: [number, number, number, Reader]) => answerOf(() => parse(...args)),
      flexible,
      flexible,
      (error, answer) => (error ? reject(error) : resolve(answer as ProduceAnswer)),
    )
  })
}

/**
 *     transactional_id: nullable string · acks: int16 · timeout: int32 · topics: array of
 *       name: string · partitions: array of
 *         index: int32 · records: bytes
 *
 * Version 9 has compact lengths and (empty) tagged fields.
 */
function request(shipments: readonly Shipment[], timeoutMs: number, flexible: boolean): Writer {
  const writer = Writer.create().appendString(null, flexible).appendInt16(ALL_REPLICAS).appendInt32(timeoutMs)
  const topics = [...Map.groupBy(shipments, ({ topic }) => topic)]
  writer.appendArray(
    topics,
    (_, [topic, parts]) => {
      writer.appendString(topic, flexible)
      writer.appendArray(
        parts,
        (_, { partition, bytes: write }) => {
          const bytes = write()
          writer.appendInt32(partition)
          if (flexible) writer.appendUnsignedVarInt(bytes.length + 1)
          else writer.appendInt32(bytes.length)
          writer.append(bytes)
        },
        flexible,
        flexible,
      )
    },
    flexible,
    flexible,
  )
  if (flexible) writer.appendTaggedFields()
  return writer
}

/** The library throws an answer that holds an error; here each partition has its own. */
function answerOf(parse: () => unknown): ProduceAnswer {
  let response: ProduceResponse
  try {
    response = parse() as ProduceResponse
  } catch (thrown) {
    const within = (thrown as { response?: ProduceResponse }).response
    if (within === undefined) throw thrown
    response = within
  }
  const partitions = response.responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map((one) => ({
      topic: name,
      partition: one.index,
      code: one.errorCode,
      message: one.errorMessage ?? null,
      culprits: (one.recordErrors ?? []).map(({ batchIndex, batchIndexErrorMessage }) => ({
        index: batchIndex,
        reason: batchIndexErrorMessage ?? null,
      })),
    })),
  )
  return { partitions, throttleMs: response.throttleTimeMs }
}
