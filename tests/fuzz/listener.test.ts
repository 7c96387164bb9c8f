import { expect, test } from 'bun:test'
import type { Dropped } from '../../src/codec/control.ts'
import { Field } from '../../src/codec/fields.ts'
import { JsonEncoder } from '../../src/record/json.ts'
import { type Room, roomOf } from '../../src/record/room.ts'
import type { Source } from '../../src/record/source.ts'
import type { RecordView } from '../../src/record/view.ts'
import { FebeEncoder } from '../../src/render/febe.ts'
import { hello, log, ring } from '../ingest/frames.ts'
import { HeldSink, Sender, Station } from '../ingest/senders.ts'
import { GOLDEN_STREAMS } from '../record/golden-streams.ts'
import { type Draft, mutate } from './mutation.ts'
import { Random } from './random.ts'

/**
 * Hostile peers against a listener that lives: streams that were changed at random, cut anywhere, ended, abandoned or
 * left open, over many connections. Two well-behaved senders in between lose nothing, memory stays bounded, and the
 * process lives.
 *
 *     FUZZ_SECONDS=600 FUZZ_SEED=1 bun test tests/fuzz
 */

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 5)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const random = new Random(seed)

const streams = Object.values(GOLDEN_STREAMS)
  .map((stream) => Buffer.concat(stream()))
  .filter((stream) => stream.length < 20_000)
const GOOD_RING = 0x600d600dn
const AT_ONCE = 8
const MOST_LINGERING = 40
const MAX_HELD_BYTES = 8 * 1024 * 1024
const MOST_GROWTH_BYTES = 128 * 1024 * 1024

/** Encodes what comes from anybody, and keeps the numbers of what comes from the well-behaved. */
class FuzzedSink extends HeldSink {
  readonly numbers: Record<string, number[]> = { 'good one': [], 'good two': [] }
  readonly #json = new JsonEncoder()
  readonly #febe = new FebeEncoder()
  #room: Room = roomOf(new Uint8Array(1 << 20))

  override accept(record: RecordView): void {
    this.position++
    for (const encoder of [this.#json, this.#febe]) {
      const bytes = encoder.room(record) + 8
      if (bytes > this.#room.bytes.length) this.#room = roomOf(new Uint8Array(bytes))
      encoder.encode(record, this.#room, 0)
    }
    this.numbers[record.source.identity]?.push(Number(record.int64(Field.SeqNum)))
  }

  override acceptDropped(dropped: Dropped, source: Source): void {
    this.position++
    this.#febe.encodeDropped(dropped, source)
  }
}

/** A valid stream, changed a few times. */
function hostileBytes(): Uint8Array {
  const bytes = new Uint8Array(64 * 1024)
  const stream = random.pick(streams)
  bytes.set(stream)
  const draft: Draft = { bytes, length: stream.length }
  mutate(draft, random, random.pick(streams))
  // Now and then a long frame that is promised and begun.
  if (random.below(50) === 0) {
    bytes.set([0x4c, 0x03, 0, 0, 0], Math.max(0, draft.length - 5))
    draft.length = bytes.length
  }
  return bytes.subarray(0, draft.length)
}

async function attack(station: Station, lingering: Sender[]): Promise<void> {
  const sender = await Sender.connect(station.path)
  const bytes = hostileBytes()
  const cut = random.below(bytes.length + 1)
  sender.send(bytes.subarray(0, cut))
  // A turn of the event loop, so that the cut is seen.
  if (random.below(2) === 0) await Bun.sleep(0)
  sender.send(bytes.subarray(cut))
  const end = random.below(8)
  if (end === 0) sender.destroy()
  else if (end > 1) sender.end()
  else lingering.push(sender)
  if (lingering.length > MOST_LINGERING) lingering.shift()!.destroy()
}

test(
  `hostile peers for ${seconds} s`,
  async () => {
    const sink = new FuzzedSink()
    const station = await Station.start({ maxHeldBytes: MAX_HELD_BYTES }, undefined, sink)
    const uncaught: unknown[] = []
    const catching = (error: unknown) => uncaught.push(error)
    process.on('uncaughtException', catching)
    try {
      const one = await station.connect()
      await one.send(hello(1, 'good one'))
      const two = await station.connect()
      await two.send(hello(2, 'good two'), ring(GOOD_RING, 0n))
      const lingering: Sender[] = []
      const before = process.memoryUsage.rss()
      const deadline = performance.now() + seconds * 1000
      let rounds = 0
      let attacks = 0
      while (performance.now() < deadline) {
        await Promise.all(Array.from({ length: AT_ONCE }, () => attack(station, lingering)))
        attacks += AT_ONCE
        await Promise.all([one.send(log(rounds, 1)), two.send(log(rounds))])
        rounds++
      }
      await two.untilAcknowledged(BigInt(rounds - 1))
      for (const sender of lingering) sender.destroy()
      one.end()
      await station.untilOpen(1)
      Bun.gc(true)
      const growth = process.memoryUsage.rss() - before
      const expected = Array.from({ length: rounds }, (_, n) => n)
      expect(sink.numbers['good one']).toEqual(expected)
      expect(sink.numbers['good two']).toEqual(expected)
      expect(two.closed).toBe(false)
      expect(growth).toBeLessThan(MOST_GROWTH_BYTES)
      expect(station.listener.stats.connections).toBe(attacks + 2)
      const refused = Object.values(station.refused).reduce((sum, count) => sum + count, 0)
      expect(refused).toBeGreaterThan(attacks / 10)
      expect(refused).toBeLessThanOrEqual(attacks)
      // One line for each reason in ten seconds, however many connections there were.
      expect(station.lines.length).toBeLessThan(
        (Object.keys(station.refused).length + 1) * (2 + seconds / 10),
      )
      expect(station.lines.filter(({ message }) => message.startsWith('a connection failed'))).toEqual([])
      expect(uncaught).toEqual([])
      console.log(`${attacks} hostile connections, ${JSON.stringify(station.refused)}, FUZZ_SEED=${seed}`)
    } finally {
      process.off('uncaughtException', catching)
      await station.stop()
    }
  },
  (seconds + 30) * 1000,
)
