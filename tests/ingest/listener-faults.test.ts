import { afterEach, describe, expect, test } from 'bun:test'
import { encodeFrame } from '../../src/codec/frame.ts'
import type { ListenerOptions } from '../../src/ingest/listener.ts'
import { acknowledgement, dropped, heartbeat, hello, log, logs, ring } from './frames.ts'
import { type Sender, SkippingClock, Station } from './senders.ts'

/** Peers that send what they must not: each costs its connection, one line and one count; others go on. */

let station: Station
let good: Sender
let sent = 0

/** Starts a listener to which a well-behaved sender is connected already. */
async function start(
  own: Partial<ListenerOptions> = {},
  clock = new SkippingClock(),
): Promise<SkippingClock> {
  station = await Station.start(own, clock)
  good = await station.connect()
  sent = 0
  await good.send(hello(1, 'good'))
  await goodGoesOn()
  return clock
}

/** The well-behaved sender is still heard. */
async function goodGoesOn(): Promise<void> {
  await good.send(log(++sent, 1))
  const mine = (events: readonly string[]) => events.filter((event) => event.startsWith('- '))
  expect(mine(await station.events(station.sink.events.length + 1))).toHaveLength(sent)
  expect(good.closed).toBe(false)
}

afterEach(() => station.stop())

const header = (length: number): Uint8Array => {
  const bytes = Buffer.from('L\0\0\0\0')
  bytes.writeInt32BE(length, 1)
  return bytes
}
const v2 = Buffer.concat([hello(2, 'bad'), ring(7n, 1n), log(1)])

const bad: readonly (readonly [string, Uint8Array, string, number])[] = [
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'unexpected_frame', 0],
  ['a TLS hello', Buffer.from('1603010200010001fc0303', 'hex'), 'unexpected_frame', 0],
  ['a PostgreSQL startup', Buffer.from('0000000804d2162f', 'hex'), 'unexpected_frame', 0],
  ['I as the first frame', encodeFrame(0x49, Buffer.of(0)), 'unexpected_frame', 0],
  ['a record as the first frame', log(1), 'unexpected_frame', 0],
  ['a heartbeat as the first frame', heartbeat(), 'unexpected_frame', 0],
  [
    'a version that is not known',
    encodeFrame(0x56, Buffer.from('PG-15/logfebe-9\0')),
    'unsupported_protocol',
    0,
  ],
  ['a version without NUL', encodeFrame(0x56, Buffer.from('PG-15/logfebe-1')), 'unsupported_protocol', 0],
  ['a length of 0', Buffer.concat([v2, header(0)]), 'bad_length', 1],
  ['a length of 3', Buffer.concat([v2, header(3)]), 'bad_length', 1],
  ['a length of 2^31', Buffer.concat([v2, header(-(2 ** 31))]), 'bad_length', 1],
  ['a length of 2^31 - 1', Buffer.concat([v2, header(2 ** 31 - 1)]), 'frame_too_large', 1],
  [
    'a string without NUL',
    Buffer.concat([v2, encodeFrame(0x4c, Buffer.alloc(50, 0x41))]),
    'malformed_record',
    1,
  ],
  ['an empty record', Buffer.concat([v2, encodeFrame(0x4c, new Uint8Array(0))]), 'malformed_record', 1],
  ['R in logfebe-1', Buffer.concat([hello(1), ring(7n, 1n)]), 'unexpected_frame', 0],
  ['D before R', Buffer.concat([hello(2), dropped(1n, 1n)]), 'unexpected_frame', 0],
  ['a negative R', Buffer.concat([hello(2), ring(-7n, 1n)]), 'malformed_frame', 0],
  ['a D that counts backwards', Buffer.concat([v2, dropped(2n, -1n)]), 'malformed_frame', 1],
]

describe('ends that connection only', () => {
  test.each(bad)('%s', async (_, bytes, reason, records) => {
    await start()
    const peer = await station.connect()
    await peer.send(bytes)
    await peer.untilClosed()
    await station.untilOpen(1)
    expect(station.refused).toEqual({ [reason]: 1 })
    expect(station.lines).toHaveLength(1)
    expect(station.lines[0]).toMatchObject({ level: 'warn', reason })
    expect(station.sink.events.filter((event) => event.startsWith('1 '))).toHaveLength(records)
    await goodGoesOn()
  })

  test('a malformed record that its sender sends again is passed over: what is behind it comes', async () => {
    await start()
    const malformed = encodeFrame(0x4c, Buffer.alloc(50, 0x41))
    const first = await station.connect()
    await first.send(v2, malformed)
    await first.untilClosed()
    const second = await station.connect()
    await second.send(hello(2, 'bad'), ring(7n, 2n), malformed, log(3))
    await second.untilAcknowledged(3n)
    expect(station.sink.events.filter((event) => /^[0-9]/.test(event))).toEqual([
      '1 message 1',
      '3 message 3',
    ])
    second.end()
    await station.untilOpen(1)
    expect(station.listener.stats.skippedRecords).toBe(1)
    expect(station.refused).toEqual({ malformed_record: 1 })
    await goodGoesOn()
  })

  test('a peer that vanishes in the middle of a frame, wherever', async () => {
    await start()
    let cut = 0
    for (const bytes of [1, 4, 5, 6, 20, v2.length - 1] as const) {
      const peer = await station.connect()
      await peer.send(v2.subarray(0, bytes))
      peer.destroy()
      await station.untilOpen(1)
      cut++
      expect(station.refused).toEqual({ truncated: cut })
    }
    await goodGoesOn()
  })

  test('a peer that closes between frames is no fault', async () => {
    await start()
    for (const bytes of [v2, hello(1), new Uint8Array(0)]) {
      const peer = await station.connect()
      await peer.send(bytes)
      peer.end()
      await station.untilOpen(1)
    }
    expect(station.refused).toEqual({})
    expect(station.lines).toEqual([])
  })
})

test('one line for each reason, the next one says how many were left out; counts are exact', async () => {
  const clock = await start()
  const nonsense = async () => {
    const peer = await station.connect()
    await peer.send(hello(1), header(0))
    await peer.untilClosed()
  }
  for (let n = 0; n < 7; n++) await nonsense()
  const other = await station.connect()
  await other.send(log(1))
  await other.untilClosed()
  expect(station.refused).toEqual({ bad_length: 7, unexpected_frame: 1 })
  expect(station.lines.map(({ reason }) => reason)).toEqual(['bad_length', 'unexpected_frame'])
  clock.time += 11_000
  await good.send(heartbeat())
  await nonsense()
  expect(station.refused['bad_length']).toBe(8)
  expect(station.lines.at(-1)).toMatchObject({ reason: 'bad_length', suppressed: 6 })
})

describe('deadlines', () => {
  test('a peer that says nothing, and one that sends a byte now and then', async () => {
    const clock = await start({ helloTimeoutMs: 10_000, frameTimeoutMs: 60_000 })
    const [silent, slow, idle] = [await station.connect(), await station.connect(), await station.connect()]
    const record = log(1, 1)
    await slow.send(hello(1, 'slow'), record.subarray(0, 10))
    await idle.send(hello(2, 'idle'), ring(7n, 1n))
    await idle.untilAcknowledged(-1n)
    clock.time += 11_000
    await silent.untilClosed()
    for (const byte of record.subarray(10, 14)) {
      await slow.send(Uint8Array.of(byte))
      clock.time += 13_000
    }
    await slow.untilClosed()
    expect(station.refused).toEqual({ timeout: 2 })
    expect(station.lines.map(({ message }) => message)).toEqual([
      'ended a connection: it did not say who it is in time',
      'ended a connection: a frame was not whole in time',
    ])
    expect(idle.closed).toBe(false)
    await goodGoesOn()
  })
})

describe('bounds', () => {
  test('memory for unfinished frames: whoever holds the most of it pays', async () => {
    await start({ maxHeldBytes: 4 * 1024 * 1024 })
    const [greedy, modest] = [await station.connect(), await station.connect()]
    await modest.send(hello(2, 'modest'), ring(7n, 1n), header(40 * 1024 * 1024), Buffer.alloc(900_000, 0x41))
    await greedy.send(hello(1, 'greedy'), header(60 * 1024 * 1024))
    await modest.untilAcknowledged(-1n)
    for (let sentBytes = 0; sentBytes < 20_000_000 && !greedy.closed; sentBytes += 100_000) {
      await Promise.race([greedy.send(Buffer.alloc(100_000, 0x41)), greedy.untilClosed()])
    }
    await greedy.untilClosed()
    expect(station.refused).toEqual({ memory: 1 })
    expect(modest.closed).toBe(false)
    await goodGoesOn()
  })

  test('a connection that once had a long record holds no memory for it', async () => {
    await start({ maxHeldBytes: 1024 * 1024 })
    const record = log(1, 2, { ErrDetail: 'x'.repeat(300_000) })
    for (let n = 1; n <= 8; n++) {
      const peer = await station.connect()
      await peer.send(hello(2, 'long'), ring(BigInt(n), 1n), record.subarray(0, 200_000))
      await peer.send(record.subarray(200_000))
      await peer.untilAcknowledged(1n)
    }
    expect(station.listener.open).toBe(9)
    expect(station.refused).toEqual({})
  })

  test('a frame over the limit is refused by its header', async () => {
    await start({ maxFrameBytes: 500 })
    const peer = await station.connect()
    await peer.send(hello(1), header(501))
    await peer.untilClosed()
    expect(station.refused).toEqual({ frame_too_large: 1 })
    await goodGoesOn()
  })

  test('connections over the limit are closed; there is room again when others end', async () => {
    await start({ maxConnections: 3 })
    const first = await station.connect()
    await station.connect()
    await station.untilOpen(3)
    const over = await station.connect()
    await over.untilClosed()
    expect(station.refused).toEqual({ too_many_connections: 1 })
    expect(station.lines[0]?.message).toContain('--max-connections')
    first.end()
    await station.untilOpen(2)
    const late = await station.connect()
    await late.send(v2)
    await late.untilAcknowledged(1n)
    await goodGoesOn()
  })

  test('a peer that asks again and again and never reads the answers', async () => {
    await start()
    const peer = await station.connect()
    peer.socket.pause()
    const question = Buffer.concat([hello(2), ring(7n, 1n)])
    const questions = Buffer.concat(Array.from({ length: 500 }, () => question))
    for (let round = 0; round < 200 && station.refused['memory'] === undefined; round++) {
      await peer.send(questions)
      await goodGoesOn()
    }
    expect(station.refused).toEqual({ memory: 1 })
  })

  test('an A from a sender moves nothing', async () => {
    await start()
    const peer = await station.connect()
    await peer.send(v2, acknowledgement(7n, 900n), logs(2, 3))
    await peer.untilAcknowledged(3n)
    expect(peer.acknowledged).not.toContain(900n)
  })
})
