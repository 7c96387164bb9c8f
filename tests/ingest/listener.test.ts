import { afterEach, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../src/clock.ts'
import { encodeFrame } from '../../src/codec/frame.ts'
import type { ListenerOptions } from '../../src/ingest/listener.ts'
import { waitUntil } from '../support/wait-until.ts'
import { heartbeat, hello, log, logs, ring } from './frames.ts'
import { HeldSink, SkippingClock, Station } from './senders.ts'

let station: Station

const start = async (own?: Partial<ListenerOptions>, clock?: Clock, sink?: HeldSink) => {
  station = await Station.start(own, clock, sink)
}

afterEach(() => station.stop())

describe('receiving', () => {
  test('logfebe-1 is read and never answered', async () => {
    await start()
    const sender = await station.connect()
    await sender.send(hello(1), logs(1, 3, 1))
    expect(await station.events(3)).toEqual(['- message 1', '- message 2', '- message 3'])
    expect(station.sink.flushes).toBeGreaterThan(0)
    sender.end()
    await station.untilOpen(0)
    expect(sender.acknowledged).toEqual([])
    expect(station.listener.stats).toMatchObject({ connections: 1, frames: 5, records: 3 })
    expect(station.refused).toEqual({})
    expect(station.lines).toEqual([])
  })

  test('what the original extension sent', async () => {
    await start()
    const sender = await station.connect()
    await sender.send(readFileSync(join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn1.febe')))
    sender.end()
    await station.events(1)
    await station.untilOpen(0)
    expect(station.refused).toEqual({})
  })

  test('byte by byte', async () => {
    await start()
    const sender = await station.connect()
    for (const byte of Buffer.concat([hello(2), ring(7n, 0n), logs(0, 1)]))
      await sender.send(Uint8Array.of(byte))
    expect(await station.events(2)).toEqual(['0 message 0', '1 message 1'])
  })

  test('many megabytes in pieces that end anywhere: what was cut is whole, though received memory is given back at once', async () => {
    await start()
    const sender = await station.connect()
    const text = 'x'.repeat(20_000)
    const last = 600
    const frames = Array.from({ length: last + 1 }, (_, n) =>
      log(n, 2, { ErrMessage: `message ${n}`, ErrDetail: `${n} ${text}` }),
    )
    await sender.send(hello(), ring(7n, 0n), ...frames)
    await sender.untilAcknowledged(BigInt(last))
    expect(station.sink.events).toEqual(frames.map((_, n) => `${n} message ${n}`))
    expect(station.refused).toEqual({})
  })

  test('only what is wanted', async () => {
    await start({ wanted: (record) => record.severity() === 'ERROR' })
    const sender = await station.connect()
    await sender.send(hello(), ring(7n, 0n), log(0), log(1, 2, { ELevel: 21 }), log(2))
    await sender.untilAcknowledged(2n)
    expect(station.sink.events).toEqual(['1 message 1'])
  })

  test('500 connections at once, each with its own records', async () => {
    await start()
    const senders = await Promise.all(Array.from({ length: 500 }, () => station.connect()))
    await station.untilOpen(500)
    await Promise.all(
      senders.map(async (sender, n) => {
        // Half of them end in the middle of a chunk.
        const bytes = Buffer.concat([hello(1, `sender ${n}`), logs(n * 10, n * 10 + 9, 1)])
        await sender.send(bytes.subarray(0, 100 + n))
        await sender.send(bytes.subarray(100 + n))
        sender.end()
      }),
    )
    const events = await station.events(5000)
    await station.untilOpen(0)
    expect(events.toSorted()).toEqual(Array.from({ length: 5000 }, (_, n) => `- message ${n}`).toSorted())
    expect(station.listener.stats).toMatchObject({ connections: 500, records: 5000 })
    expect(station.refused).toEqual({})
  })

  test('counts of what is not known', async () => {
    await start()
    const sender = await station.connect()
    const surplus = encodeFrame(0x4c, Buffer.concat([log(1, 1).subarray(5), Buffer.of(1, 2)]))
    await sender.send(hello(1), encodeFrame(0x7a, new Uint8Array(2)), surplus)
    sender.end()
    await station.events(1)
    await station.untilOpen(0)
    expect(station.listener.stats).toMatchObject({ unknownFrames: 1, surplusRecords: 1, records: 1 })
  })
})

describe('waiting for destinations', () => {
  test('a sender of logfebe-2 waits while there is no room; what one of logfebe-1 sends then is dropped and counted', async () => {
    await start()
    const { sink } = station
    const [two, one] = [await station.connect(), await station.connect()]
    await two.send(hello(2), ring(7n, 0n), log(0))
    await one.send(hello(1), log(100, 1))
    await station.events(2)
    sink.full = true
    // What finds them full is still taken: the reading stops behind it.
    await two.send(log(1))
    await station.events(3)
    await two.send(log(2))
    for (let n = 101; n < 110; n++) await one.send(log(n, 1))
    await waitUntil(
      () => station.listener.totals.droppedRecords,
      (dropped) => dropped === 9,
      'the dropped records',
    )
    expect(sink.events).toHaveLength(3)
    sink.full = false
    station.listener.progressed()
    await one.send(log(110, 1))
    expect((await station.events(5)).slice(3).sort()).toEqual(['- message 110', '2 message 2'])
    expect(station.lines.filter(({ message }) => message.includes('cannot wait'))).toHaveLength(1)
  })

  test('time does not count against a sender that is made to wait', async () => {
    const clock = new SkippingClock()
    await start({ frameTimeoutMs: 60_000 }, clock)
    const { sink } = station
    const sender = await station.connect()
    sink.full = true
    const bytes = Buffer.concat([hello(2), ring(7n, 0n), log(0), log(1)])
    await sender.send(bytes.subarray(0, bytes.length - 1))
    await station.events(1)
    const other = await station.connect()
    clock.time += 100_000
    // Once this one is ended, deadlines were looked at.
    await other.untilClosed()
    expect(sender.closed).toBe(false)
    sink.full = false
    station.listener.progressed()
    await sender.send(bytes.subarray(-1))
    expect(await station.events(2)).toEqual(['0 message 0', '1 message 1'])
    expect(station.refused).toEqual({ timeout: 1 })
  })

  test('a sender that closes while it waits loses nothing that it had sent', async () => {
    await start()
    const { sink } = station
    const sender = await station.connect()
    sink.full = true
    await sender.send(hello(2), ring(7n, 0n), log(0))
    await station.events(1)
    await sender.send(logs(1, 50))
    sender.end()
    sink.full = false
    station.listener.progressed()
    await station.events(51)
    await station.untilOpen(0)
    expect(station.refused).toEqual({})
  })

  test('acknowledgements wait for a sender that does not read them, and come whole', async () => {
    await start()
    const sender = await station.connect()
    await sender.send(hello(2), ring(7n, 0n))
    await sender.untilAcknowledged(-1n)
    sender.socket.pause()
    for (let n = 0; n < 600; n++) {
      await sender.send(log(n))
      await station.events(n + 1)
    }
    sender.socket.resume()
    await sender.untilAcknowledged(599n)
    expect(sender.acknowledged).toEqual(sender.acknowledged.toSorted((a, b) => Number(a - b)))
  })
})

describe('the end', () => {
  test('what was on its way is read, then nothing more; acknowledgements still go out', async () => {
    await start()
    const { sink } = station
    sink.prompt = false
    const [two, one] = [await station.connect(), await station.connect()]
    await two.send(hello(2), ring(7n, 0n), logs(0, 499))
    await one.send(hello(1), logs(1000, 1499, 1))
    await station.listener.quiesce()
    expect(sink.events).toHaveLength(1000)
    await one.send(log(2000, 1))
    sink.full = false
    sink.settle()
    station.listener.progressed()
    await two.untilAcknowledged(499n)
    station.listener.stop()
    await two.untilClosed()
    expect(sink.events).toHaveLength(1000)
    expect(station.listener.stats.records).toBe(1000)
  })

  test('senders that were made to wait are not read again while destinations drain', async () => {
    await start()
    const { sink } = station
    const sender = await station.connect()
    sink.full = true
    await sender.send(hello(2), ring(7n, 0n), log(0))
    await station.events(1)
    await sender.send(log(1))
    await station.listener.quiesce()
    sink.full = false
    station.listener.progressed()
    const probe = await station.connect().catch((error: NodeJS.ErrnoException) => error.code)
    expect(probe).toBe('ENOENT')
    expect(sink.events).toEqual(['0 message 0'])
  })

  test('a frame that is cut off by our own end is no fault of the sender', async () => {
    await start()
    const sender = await station.connect()
    await sender.send(hello(1), log(1, 1), log(2, 1).subarray(0, 20))
    await station.events(1)
    await station.listener.quiesce()
    station.listener.stop()
    await sender.untilClosed()
    expect(station.refused).toEqual({})
    expect(station.lines).toEqual([])
    expect(station.listener.stats.records).toBe(1)
  })

  test('an idle sender keeps its connection while another talks', async () => {
    await start()
    const idle = await station.connect()
    await idle.send(hello(2), ring(7n, 0n), heartbeat())
    const busy = await station.connect()
    await busy.send(hello(1), logs(1, 100, 1))
    await station.events(100)
    busy.end()
    await waitUntil(
      () => station.listener.open,
      (open) => open === 1,
      'one open connection',
    )
    expect(idle.closed).toBe(false)
  })
})

test('a bug behind the listener costs the connection, not the process, and is said', async () => {
  const sink = new HeldSink()
  const accept = sink.accept.bind(sink)
  sink.accept = (record) => {
    if (sink.position === 1) {
      sink.position++
      throw new TypeError('boom')
    }
    accept(record)
  }
  await start({}, undefined, sink)
  const sender = await station.connect()
  await sender.send(hello(1), logs(1, 3, 1))
  await sender.untilClosed()
  const next = await station.connect()
  await next.send(hello(1), log(4, 1))
  expect(await station.events(2)).toEqual(['- message 1', '- message 4'])
  expect(station.lines.map(({ message }) => message)).toEqual(['a connection failed: boom'])
})
