import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { appendFileSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { FRAME_HEADER_BYTES } from '../../src/codec/frame.ts'
import { encodeLog } from '../../src/codec/log.ts'
import { openDump } from '../../src/deadletter/enclosure.ts'
import { parseLetter } from '../../src/deadletter/letter.ts'
import { uidOf } from '../../src/record/uid.ts'
import { dropped, hello, log, logs, ring, shown } from '../ingest/frames.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { type Desk, letter, makeDesk, ORDERS } from './desk.ts'

let desk: Desk
beforeEach(async () => {
  desk = await makeDesk()
})
afterEach(() => desk.remove())

const clock = { now: () => Date.UTC(2026, 10, 21, 9, 41, 55, 123), sleep: async () => undefined }

/** What the dumps of lines hold: sequence, message and unique id. */
const inside = (lines: readonly string[]): string[] =>
  lines.map((line) => {
    let text = 'nothing'
    const { febe } = parseLetter(line)!
    if (febe !== undefined) openDump(febe, (record) => (text = `${shown(record)} ${uidOf(record)}`))
    return text
  })

const messages = (lines: readonly string[]): string[] =>
  lines.map((line) => JSON.parse(line).record?.message ?? 'nothing')

test('a letter says everything, on one line', async () => {
  await desk.write(hello(), ring(7n, 0n), log(0, 2, { QueryId: 9_007_199_254_740_993n }))
  await desk.letters({ clock }).store(ORDERS, [letter(0)])
  const [line, ...more] = desk.lines()
  expect(more).toEqual([])
  expect(JSON.parse(line!)).toEqual({
    time: '2026-11-21T09:41:55.123Z',
    exporter: 'orders',
    type: 'http',
    reason: 'the server answered 400: no such field',
    status: 400,
    attempts: 3,
    position: 0,
    record: expect.objectContaining({ message: 'message 0', identity: 'shop', uid: '0000000000000007-0' }),
    febe: expect.stringMatching(/^[\w+/]+=*$/),
  })
  // Every digit, as PostgreSQL wrote it.
  expect(line).toContain('"query_id":9007199254740993')
  expect(inside([line!])).toEqual(['0 message 0 0000000000000007-0'])
  const { mode } = statSync(join(desk.folder, 'orders.ndjson'))
  expect((mode & 0o777).toString(8)).toBe('640')
})

test('a destination without a status', async () => {
  await desk.write(hello(), log(0))
  await desk.letters().store(ORDERS, [letter(0, { status: undefined })])
  expect(Object.keys(JSON.parse(desk.lines()[0]!))).not.toContain('status')
})

describe('records are found by their positions', () => {
  test('behind word of others, and across sources and blocks', async () => {
    const long = 'x'.repeat(100_000)
    await desk.write(hello(2, 'one'), ring(7n, 0n), log(0), dropped(1n, 5n), log(6), ring(7n, 90n), log(90))
    await desk.write(hello(1, 'two'), log(1, 1), log(2, 1), hello(2, 'one'), ring(7n, 91n), log(91))
    await desk.write(
      hello(2, 'big'),
      ring(8n, 0n),
      ...[0, 1, 2, 3].map((n) => log(n, 2, { ErrDetail: long })),
    )
    await desk.letters().store(
      ORDERS,
      [10, 3, 0, 2, 5, 6, 7].map((position) => letter(position)),
    )
    expect(inside(desk.lines())).toEqual([
      '0 message 0 0000000000000007-0',
      '6 message 6 0000000000000007-6',
      '90 message 90 0000000000000007-90',
      expect.stringMatching(/^- message 2 [0-9a-f]{8}-65e0a1\.1f-2$/),
      '91 message 91 0000000000000007-91',
      '0 message 0 0000000000000008-0',
      '3 message 3 0000000000000008-3',
    ])
  })

  test('far apart, in segments that are not in memory any more', async () => {
    await desk.remove()
    desk = await makeDesk({ segmentBytes: 1_000_000 })
    const part = (n: number) => [hello(), ring(7n, BigInt(n)), logs(n, n + 29_999)]
    for (let n = 0; n < 120_000; n += 30_000) await desk.write(...part(n))
    await desk.journal.close(1000)
    desk = await makeDesk({}, desk.root)
    const positions = [3, 100, 29_999, 30_000, 119_000, 119_999]
    await desk.letters().store(
      ORDERS,
      positions.map((position) => letter(position)),
    )
    expect(messages(desk.lines())).toEqual(positions.map((n) => `message ${n}`))
  })

  test('one that the journal has let go of, one that never was, and one that is no record', async () => {
    await desk.remove()
    const limits = { segmentBytes: 1000, maxBytes: 4000 }
    desk = await makeDesk(limits)
    for (let n = 0; n < 60; n++) await desk.write(hello(), ring(7n, BigInt(n)), log(n))
    await desk.write(hello(), ring(7n, 60n), dropped(60n, 1n))
    expect(desk.journal.start).toBeGreaterThan(10)
    // What it still has in memory would be found.
    await desk.journal.close(1000)
    desk = await makeDesk(limits, desk.root)
    await desk.letters().store(ORDERS, [letter(1), letter(59), letter(60), letter(5000)])
    const found = desk.lines().map((line) => JSON.parse(line))
    expect(found.map(({ position, missing }) => [position, missing])).toEqual([
      [59, undefined],
      [1, true],
      [60, true],
      [5000, true],
    ])
    expect(Object.keys(found[1]!)).not.toContain('record')
    expect(Object.keys(found[1]!)).not.toContain('febe')
  })
})

test('any record comes back through the journal, byte by byte', async () => {
  const letters = desk.letters()
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc
        .constantFrom(1 as const, 2 as const)
        .chain((protocol) =>
          fc.tuple(
            fc.constant(protocol),
            fc.array(anyRecordFields(protocol), { minLength: 1, maxLength: 10 }),
          ),
        ),
      async ([protocol, records]) => {
        const frames = records.map((fields) => encodeLog(fields, protocol))
        const first = desk.journal.end
        await desk.write(hello(protocol), ...frames)
        const name = `run-${runs++}`
        await letters.store(
          { name, type: 'http' },
          frames.map((_, n) => letter(first + n)),
        )
        const back = desk.lines(`${name}.ndjson`).map((line) => {
          let payload = ''
          openDump(parseLetter(line)!.febe!, ({ bytes, start, end }) => {
            payload = Buffer.from(bytes.subarray(start, end)).toString('hex')
          })
          return payload
        })
        expect(back).toEqual(
          frames.map((frame) => Buffer.from(frame.subarray(FRAME_HEADER_BYTES)).toString('hex')),
        )
      },
    ),
    { numRuns: 40 },
  )
})

test('a line that a killed process left unfinished is ended first', async () => {
  await desk.write(hello(), logs(0, 2))
  await desk.letters().store(ORDERS, [letter(0)])
  appendFileSync(join(desk.folder, 'orders.ndjson'), '{"time":"2026-11-2')
  await desk.letters().store(ORDERS, [letter(1), letter(2)])
  const lines = desk.lines()
  expect(lines[1]).toBe('{"time":"2026-11-2')
  expect(messages([lines[0]!, ...lines.slice(2)])).toEqual(['message 0', 'message 1', 'message 2'])
})

describe('bounds', () => {
  const total = () => desk.files().reduce((sum, name) => sum + statSync(join(desk.folder, name)).size, 0)

  test('the oldest letters are discarded, and that is said with their number', async () => {
    await desk.write(hello(), ring(7n, 0n), logs(0, 99))
    const letters = desk.letters({ maxBytes: 10_000 })
    for (let n = 0; n < 100; n++) {
      await letters.store(ORDERS, [letter(n)])
      expect(total()).toBeLessThanOrEqual(10_000)
    }
    const kept = desk.files().flatMap((name) => messages(desk.lines(name)))
    // Sealed files have a time in their names, and stand behind the open one.
    const numbers = kept.map((message) => Number(message.slice(8))).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 100 - numbers.length + i))
    expect(numbers.length).toBeGreaterThan(5)
    const discarded = desk.said.map((line) => Number(/discarded=(\d+)/.exec(line)?.[1] ?? 0))
    expect(discarded.reduce((sum, n) => sum + n, 0)).toBe(100 - numbers.length)
    expect(desk.said[0]).toContain('"orders" are discarded')
  })

  test('many at once', async () => {
    await desk.write(hello(), ring(7n, 0n), logs(0, 99))
    await desk.letters({ maxBytes: 10_000 }).store(
      ORDERS,
      Array.from({ length: 100 }, (_, n) => letter(n)),
    )
    expect(total()).toBeLessThanOrEqual(10_000)
    expect(messages(desk.lines()).at(-1)).toBe('message 99')
  })

  test('a record that is too large is left out, first as JSON', async () => {
    const quotes = (count: number) => log(count, 2, { ErrDetail: '"'.repeat(count) })
    await desk.write(hello(), quotes(10), quotes(2500), quotes(5000))
    await desk.letters({ maxBytes: 10_000 }).store(ORDERS, [letter(0), letter(1), letter(2)])
    const lines = desk
      .files()
      .flatMap((name) => desk.lines(name))
      .map((line) => JSON.parse(line))
    const held = lines.map(({ position, record, febe, too_large }) => [
      position,
      record !== undefined,
      febe !== undefined,
      too_large,
    ])
    expect(held.sort()).toEqual([
      [0, true, true, undefined],
      [1, false, true, undefined],
      [2, false, false, true],
    ])
  })

  test('each exporter has its own', async () => {
    await desk.write(hello(), logs(0, 1))
    const letters = desk.letters()
    await Promise.all([
      letters.store(ORDERS, [letter(0)]),
      letters.store({ name: 'archive', type: 's3' }, [letter(1)]),
      letters.store(ORDERS, [letter(1)]),
    ])
    expect(desk.files()).toEqual(['archive.ndjson', 'orders.ndjson'])
    expect(messages(desk.lines())).toEqual(['message 0', 'message 1'])
  })
})

test('what cannot be written is an error, and does not keep later letters away', async () => {
  await desk.write(hello(), logs(0, 1))
  // In the way, whoever runs this.
  mkdirSync(join(desk.folder, 'orders.ndjson'), { recursive: true })
  const letters = desk.letters()
  expect(letters.store(ORDERS, [letter(0)])).rejects.toThrow('EISDIR')
  await letters.store({ name: 'archive', type: 's3' }, [letter(1)])
  expect(messages(desk.lines('archive.ndjson'))).toEqual(['message 1'])
})
