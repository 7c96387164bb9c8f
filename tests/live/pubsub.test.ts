import { describe, expect, test } from 'bun:test'
import { GrpcChannel } from '../../src/grpc/channel.ts'
import { calm } from '../exporters/batches.ts'
import { type ConformanceStage, onStage } from '../exporters/conformance/stage.ts'
import type { ExporterFlags, Subject } from '../exporters/conformance.ts'
import { type Published, publishedIn, TO } from '../exporters/pubsub-api.ts'
import { fieldsOf } from '../render/otlp/decode.ts'
import type { Arrival } from './account.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { TOPIC } from './services/pubsub.ts'
import { withService } from './with-service.ts'

/** The pubsub destination against Google's own fake server. It keeps nothing on a disk. */

const live = await withService('pubsub')
const toxiproxy = await withService('toxiproxy')

const delimited = (tag: number, content: Uint8Array): Buffer => {
  const length = content.length
  const head = length < 0x80 ? [tag, length] : [tag, (length & 0x7f) | 0x80, (length >> 7) & 0x7f]
  return Buffer.concat([Uint8Array.from(head), content])
}

/** Everything that the subscription has and nobody has acknowledged, taken off it. */
class Reader {
  readonly #channel = new GrpcChannel({
    origin: `http://${live.running.addresses['grpc']}`,
    maxAnswerBytes: 64 * 1024 * 1024,
  })
  readonly #name = delimited(
    0x0a,
    Buffer.from(`projects/${TOPIC.project}/subscriptions/${TOPIC.subscription}`),
  )

  #call(method: string, message: Uint8Array): Promise<Buffer> {
    const path = `/google.pubsub.v1.Subscriber/${method}`
    return this.#channel.call({ path, message, metadata: {}, gzip: false, signal: calm })
  }

  /** At least so many. */
  async read(count: number): Promise<Published[]> {
    const all: Published[] = []
    while (all.length < count) all.push(...(await this.#pull()).map(messageIn))
    return all
  }

  /** All that are there. */
  async rest(): Promise<Arrival[]> {
    const all: Arrival[] = []
    for (;;) {
      const some = await this.#pull()
      if (some.length === 0) return all
      all.push(...some.map(arrivalIn))
    }
  }

  /** Messages as they are on the wire, taken off the subscription. */
  async #pull(): Promise<Buffer[]> {
    // return_immediately, max_messages 1000.
    const most = Buffer.of(0x10, 1, 0x18, 0xe8, 0x07)
    const pulled = await this.#call('Pull', Buffer.concat([this.#name, most]))
    const received = fieldsOf(pulled).map(([, , value]) => fieldsOf(value as Buffer))
    const acks = received.map((fields) => delimited(0x12, fields.find(([n]) => n === 1)![2] as Buffer))
    if (acks.length > 0) await this.#call('Acknowledge', Buffer.concat([this.#name, ...acks]))
    return received.map((fields) => fields.find(([n]) => n === 2)![2] as Buffer)
  }

  close(): void {
    this.#channel.close()
  }
}

/** A message as it was published: what the server has added (its id, its time) is left out. */
function messageIn(bytes: Buffer): Published {
  const own = fieldsOf(bytes).filter(([number]) => number !== 3 && number !== 4)
  const parts = own.map(([number, , value]) => wide(number * 8 + 2, value as Buffer))
  const request = Buffer.concat([delimited(0x0a, Buffer.from('t')), wide(0x12, Buffer.concat(parts))])
  return publishedIn(request).messages[0]!
}

/** How an attribute begins that is called uid. */
const UID = Buffer.from([0x0a, 3, ...Buffer.from('uid')])

/** Of a message no more than tells which it is: there are many. */
function arrivalIn(bytes: Buffer): Arrival {
  const fields = fieldsOf(bytes).map(([number, , value]) => [number, value as Buffer] as const)
  const data = fields.find(([number]) => number === 1)![1]
  const attribute = fields.find(([number, value]) => number === 2 && value.indexOf(UID) === 0)![1]
  const { message } = JSON.parse(data.toString()) as { message: string }
  return { uid: fieldsOf(attribute)[1]![2].toString(), message }
}

/** With a length of four bytes. */
function wide(tag: number, content: Uint8Array): Buffer {
  const lengths = [0, 7, 14].map((shift) => ((content.length >> shift) & 0x7f) | 0x80)
  return Buffer.concat([Uint8Array.from([tag, ...lengths, content.length >> 21]), content])
}

/** Runs with the real server, by the address that is given. */
const on = (emulator: string, run: (stage: ConformanceStage) => Promise<void>, flags: ExporterFlags = {}) => {
  const subject: Subject = {
    exporter: 'pubsub',
    start: async () => ({
      target: () => ({ to: TO, options: { emulator } }),
      received: () => [],
      stop: async () => undefined,
    }),
  }
  return onStage(subject, run, { flags })
}

async function reading(run: (reader: Reader) => Promise<void>): Promise<void> {
  const reader = new Reader()
  try {
    await run(reader)
  } finally {
    reader.close()
  }
}

describe.skipIf(live.missing !== undefined)("Google's fake Pub/Sub", () => {
  const at = () => live.running.addresses['grpc']!

  test('checks, and takes messages as they are meant', () =>
    reading((reader) =>
      on(at(), async (stage) => {
        expect(await stage.exporter.check!(calm)).toStartWith('answered OK')
        stage.say('Grüße 🐘', 'x'.repeat(100_000))
        await stage.settled()
        const messages = await reader.read(2)
        // Without an ordering key there is no order.
        const sorted = messages.toSorted((a, b) => a.message.length - b.message.length)
        expect(sorted.map(({ message }) => message)).toEqual(['Grüße 🐘', 'x'.repeat(100_000)])
        expect(sorted[0]!.attributes).toMatchObject({ uid: '0000000000000007-1', severity: 'LOG' })
      }),
    ))

  test('keeps the order of each key, compressed', () =>
    reading((reader) =>
      on(
        at(),
        async (stage) => {
          const said = Array.from({ length: 500 }, (_, n) => ({
            SessionId: `s${n % 10}`,
            ErrMessage: `${n}`,
          }))
          stage.offer(...said)
          await stage.settled()
          const messages = await reader.read(500)
          for (let session = 0; session < 10; session++) {
            const own = messages
              .filter(({ key }) => key === `s${session}`)
              .map(({ message }) => Number(message))
            expect(own).toEqual(Array.from({ length: 50 }, (_, n) => session + 10 * n))
          }
        },
        { orderingKey: 'session', compression: 'gzip' },
      ),
    ))

  test('what is not there holds the records', () =>
    on(at(), async ({ destination }) => {
      const options = { ...destination.options, topic: 'projects/my-project/topics/elsewhere' }
      const exporter = destination.definition.create(options, { userAgent: 'pgturret/test', format: 'json' })
      const error = await exporter.check!(calm).catch((thrown: unknown) => thrown as Error)
      expect((error as Error).name).toBe('BlockedError')
      await exporter.close!()
    }))

  test.skipIf(toxiproxy.missing !== undefined)(
    PROOF,
    () =>
      reading(async (reader) => {
        const kept: Arrival[] = []
        // It keeps messages in its memory: each time before it is killed the test takes what it has, as a subscriber would.
        const rescue = async () => void kept.push(...(await reader.rest()))
        await prove({
          name: 'pubsub',
          toxiproxy: toxiproxy.running,
          upstream: at(),
          words: (address) => ['--to', TO, '--pubsub-emulator', address],
          server: live.running,
          rescue,
          arrived: async () => {
            await rescue()
            return kept
          },
        })
      }),
    PROOF_MS,
  )
})
