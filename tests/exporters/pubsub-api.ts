import { fieldsOf } from '../render/otlp/decode.ts'
import type { Received } from './conformance.ts'
import type { GrpcApi } from './grpc-harness.ts'

/** Google Cloud Pub/Sub's rules, by google/pubsub/v1/pubsub.proto and the quotas page; whatever breaks one is refused. */

/** A message as it was published. */
export interface Published extends Received {
  readonly attributes: Readonly<Record<string, string>>
  readonly key: string
  readonly data: Record<string, unknown>
}

const utf8 = (value: Buffer | bigint): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value as Buffer)

function assert(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule)
}

/** A PublishRequest, read strictly. */
export function publishedIn(request: Buffer): { topic: string; messages: Published[] } {
  assert(request.length <= 10_000_000, 'The value for request_size is too large.')
  const fields = fieldsOf(request)
  const topic = utf8(fields.find(([number]) => number === 1)![2])
  const messages = fields.filter(([number]) => number === 2).map(([, , value]) => messageOf(value as Buffer))
  assert(messages.length <= 1000, 'The value for message_count is too large.')
  assert(new Set(messages.map(({ key }) => key)).size <= 1, 'one ordering key in a request')
  return { topic, messages }
}

function messageOf(bytes: Buffer): Published {
  const attributes: Record<string, string> = {}
  let key = ''
  let text = ''
  for (const [number, type, value] of fieldsOf(bytes)) {
    assert(type === 2, 'all fields have a length')
    if (number === 1) text = utf8(value)
    else if (number === 2) {
      const [name, content] = fieldsOf(value as Buffer).map(([, , part]) => utf8(part)) as [string, string]
      assert(!(name in attributes), 'attributes are unique')
      assert(Buffer.byteLength(name) <= 256 && name !== '', 'attribute keys have 1 to 256 bytes')
      assert(Buffer.byteLength(content) <= 1024, 'attribute values have at most 1024 bytes')
      attributes[name] = content
    } else if (number === 5) key = utf8(value)
    else throw new Error(`no field ${number}`)
  }
  assert(Object.keys(attributes).length <= 100, 'at most 100 attributes')
  assert(Buffer.byteLength(key) <= 1024, 'ordering keys have at most 1024 bytes')
  const data = JSON.parse(text) as Record<string, unknown>
  return {
    attributes,
    key,
    data,
    message: String(data['message']),
    detail: data['detail'] as string | undefined,
  }
}

export const TOPIC = 'projects/my-project/topics/postgres'
export const TO = 'pubsub://my-project/postgres'

function idOf(n: number): Buffer {
  const id = Buffer.from(`id-${n}`)
  return Buffer.concat([Buffer.of(0x0a, id.length), id])
}

/** The service; `seen` is told of each request that it takes for one. */
export const pubsubApi = (seen: (messages: readonly Published[]) => void = () => undefined): GrpcApi => ({
  path: '/google.pubsub.v1.Publisher/Publish',
  target: (endpoint, secret) => ({ to: TO, options: { endpoint, accessToken: secret } }),
  records: (request) => {
    const { topic, messages } = publishedIn(request)
    assert(topic === TOPIC, 'no such topic')
    seen(messages)
    return messages
  },
  // PublishResponse: an id for each message.
  accepted: (count) => Buffer.concat(Array.from({ length: count }, (_, n) => idOf(n))),
  others: {
    '/google.iam.v1.IAMPolicy/TestIamPermissions': (request) => ({
      status: 0,
      // What is granted of what was asked for.
      body: Buffer.concat(
        fieldsOf(request)
          .filter(([number]) => number === 2)
          .map(([, , value]) => Buffer.concat([Buffer.of(0x0a, (value as Buffer).length), value as Buffer])),
      ),
    }),
  },
})
