import { afterEach, expect, test } from 'bun:test'
import { dropped, hello, log, logs, ring } from './frames.ts'
import { Station } from './senders.ts'

/** Sending again after a lost connection: every record arrives once, and only what is settled is acknowledged. */

let station: Station

afterEach(() => station.stop())

const messages = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i} message ${from + i}`)

test('the first A says that nothing is known; the next ones what is settled, and nothing earlier', async () => {
  station = await Station.start()
  const { sink, listener } = station
  sink.prompt = false
  const sender = await station.connect()
  await sender.send(hello(), ring(7n, 1n), logs(1, 4))
  await sender.untilAcknowledged(-1n)
  await station.events(4)
  sink.settle(2)
  listener.progressed()
  // The four came in one piece, and are acknowledged in one piece.
  await sender.send(logs(5, 6))
  await station.events(6)
  expect(sender.acknowledged).toEqual([-1n])
  sink.settle(5)
  listener.progressed()
  await sender.untilAcknowledged(4n)
  sink.settle(6)
  listener.progressed()
  await sender.untilAcknowledged(6n)
  expect(sender.acknowledged).toEqual([-1n, 4n, 6n])
})

test('a new connection goes on behind what is settled', async () => {
  station = await Station.start()
  const first = await station.connect()
  await first.send(hello(), ring(7n, 1n), logs(1, 5))
  await first.untilAcknowledged(5n)
  first.destroy()
  await station.untilOpen(0)
  const second = await station.connect()
  await second.send(hello(), ring(7n, 3n))
  await second.untilAcknowledged(5n)
  await second.send(logs(6, 8))
  await second.untilAcknowledged(8n)
  expect(station.sink.events).toEqual(messages(1, 8))
  expect(second.acknowledged[0]).toBe(5n)
})

test('what was received but is not settled comes again and is left out, D too, cut in the middle as well', async () => {
  station = await Station.start()
  const { sink, listener } = station
  sink.prompt = false
  const first = await station.connect()
  await first.send(hello(), ring(7n, 1n), logs(1, 3), dropped(4n, 2n), logs(6, 7), dropped(8n, 3n))
  await station.events(7)
  first.destroy()
  await station.untilOpen(0)
  const second = await station.connect()
  await second.send(hello(), ring(7n, 1n))
  await second.untilAcknowledged(-1n)
  // The sender counts its losses together with later ones now.
  await second.send(logs(1, 3), dropped(4n, 2n), logs(6, 7), dropped(8n, 5n), log(13))
  expect(await station.events(9)).toEqual([
    ...messages(1, 3),
    'dropped 4+2',
    ...messages(6, 7),
    'dropped 8+3',
    'dropped 11+2',
    '13 message 13',
  ])
  sink.prompt = true
  listener.progressed()
  await second.untilAcknowledged(13n)
  second.end()
  await station.untilOpen(0)
  expect(listener.stats).toMatchObject({ records: 6, repeatedRecords: 5, droppedBySender: 7n })
})

test('is not told of what it has not sent over this connection', async () => {
  station = await Station.start()
  const { sink, listener } = station
  sink.prompt = false
  const first = await station.connect()
  await first.send(hello(), ring(7n, 1n), logs(1, 9))
  await station.events(9)
  first.destroy()
  await station.untilOpen(0)
  const second = await station.connect()
  await second.send(hello(), ring(7n, 1n), logs(1, 4))
  await second.untilAcknowledged(-1n)
  sink.prompt = true
  listener.progressed()
  await second.untilAcknowledged(4n)
  await second.send(logs(5, 8))
  await second.untilAcknowledged(8n)
  await second.send(logs(9, 10))
  await second.untilAcknowledged(10n)
  expect(second.acknowledged).toEqual([-1n, 4n, 8n, 10n])
  expect(sink.events).toEqual(messages(1, 10))
})

test('an old connection whose bytes are read late adds nothing twice', async () => {
  station = await Station.start()
  const { sink, listener } = station
  const old = await station.connect()
  await old.send(hello(), ring(7n, 1n), logs(1, 2))
  await old.untilAcknowledged(2n)
  sink.full = true
  await old.send(log(3))
  await station.events(3)
  // Not read yet: the listener has stopped reading from it.
  await old.send(logs(4, 6))
  const next = await station.connect()
  await next.send(hello(), ring(7n, 3n), logs(4, 5))
  await station.events(5)
  sink.full = false
  listener.progressed()
  await station.events(6)
  await next.send(logs(6, 8))
  await next.untilAcknowledged(8n)
  expect(sink.events).toEqual(messages(1, 8))
})

test('a ring that has lost its oldest records goes on with what it still holds', async () => {
  station = await Station.start()
  const sender = await station.connect()
  await sender.send(hello(), ring(7n, 1n), log(1))
  await sender.untilAcknowledged(1n)
  sender.destroy()
  const second = await station.connect()
  await second.send(hello(), ring(7n, 40n), log(40))
  await second.untilAcknowledged(40n)
  expect(station.sink.events).toEqual(['1 message 1', '40 message 40'])
})

test('rings are told apart: another boot id begins anew', async () => {
  station = await Station.start()
  const [one, two] = [await station.connect(), await station.connect()]
  await one.send(hello(), ring(7n, 1n), log(1))
  await one.untilAcknowledged(1n)
  await two.send(hello(), ring(8n, 1n), log(1))
  await two.untilAcknowledged(1n)
  expect(station.sink.events).toEqual(['1 message 1', '1 message 1'])
  expect(two.acknowledged).toEqual([-1n, 1n])
})

test('lost connections at any byte: no record is missing, none comes twice', async () => {
  station = await Station.start()
  const { sink, listener } = station
  const last = 300
  const whole = Array.from({ length: last }, (_, i) => log(i + 1))
  for (let round = 0, settled = 0; settled < last; round++) {
    sink.prompt = round % 3 === 0
    const sender = await station.connect()
    await sender.send(hello(), ring(7n, 1n))
    await sender.untilAcknowledged(-1n)
    const begin = Number(sender.acknowledged[0]! < 0n ? 0n : sender.acknowledged[0]!)
    const bytes = Buffer.concat(whole.slice(begin, begin + 40))
    const cut = Math.min(bytes.length, 1 + ((round * 7919) % bytes.length))
    await sender.send(bytes.subarray(0, cut))
    sender.end()
    await station.untilOpen(0)
    sink.settle(Math.floor((sink.position + sink.done) / 2))
    listener.progressed()
    settled = sink.events.length
  }
  expect(sink.events).toEqual(messages(1, last))
  expect(Object.keys(station.refused)).toEqual(['truncated'])
})
