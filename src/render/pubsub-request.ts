import { delimited, LENGTH_BYTES, ORDERING_KEY } from './pubsub.ts'

/** Requests to Pub/Sub, made of messages as `PubsubEncoder` writes them. */

/** A batch of messages. */
interface Messages {
  readonly records: number
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

/** What goes into one request, with the places that it has in the batch. */
interface Request {
  readonly indexes: number[]
  readonly messages: Uint8Array[]
}

/** Where a message's key stands in it: behind its tag and length. */
const KEY_AT = 1 + LENGTH_BYTES

/** Takes a batch apart by ordering key, of which a request has one; the order of each key stays. */
export function requestsOf({ records, bytes, ends }: Messages): readonly Request[] {
  const requests = new Map<string, Request>()
  // Without keys, the batch is a request as it is.
  if (records === 0 || bytes[KEY_AT] !== ORDERING_KEY) return [{ indexes: [], messages: [bytes] }]
  let start = 0
  for (let index = 0; index < records; index++) {
    const end = ends[index]!
    const key = keyAt(bytes, start)
    let request = requests.get(key)
    if (request === undefined) {
      request = { indexes: [], messages: [] }
      requests.set(key, request)
    }
    request.indexes.push(index)
    request.messages.push(bytes.subarray(start, end))
    start = end
  }
  return [...requests.values()]
}

/** The ordering key of the message that begins at `start`, a character for each byte. */
function keyAt(bytes: Uint8Array, start: number): string {
  let at = start + KEY_AT
  let length = bytes[++at]!
  if (length >= 0x80) length = (length & 0x7f) | (bytes[++at]! << 7)
  return Buffer.from(bytes.buffer, bytes.byteOffset + at + 1, length).toString('latin1')
}

/** google.pubsub.v1.PublishRequest. */
export const publishRequest = (topic: string, messages: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([topicRequest(topic), ...messages])

/** google.pubsub.v1.GetTopicRequest; also how every other request begins. */
export const topicRequest = (topic: string): Uint8Array => delimited(0x0a, Buffer.from(topic))

/** google.iam.v1.TestIamPermissionsRequest. */
export const permissionsRequest = (topic: string, permission: string): Uint8Array =>
  Buffer.concat([topicRequest(topic), delimited(0x12, Buffer.from(permission))])
