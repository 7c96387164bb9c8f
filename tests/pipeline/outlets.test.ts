import { afterEach, describe, expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PermanentError, RetryableError } from '../../src/errors.ts'
import { MemoryJournal } from '../../src/journal/memory-journal.ts'
import type { Encoder } from '../../src/render/encoder.ts'
import { FebeEncoder } from '../../src/render/febe.ts'
import { JsonLinesEncoder } from '../../src/render/json-lines.ts'
import { dropped, hello, log, logs, ring } from '../ingest/frames.ts'
import { accounted, Folder, numbersOf, Run, range, until } from './journal-stage.ts'
import { ScriptedExporter } from './scripted-exporter.ts'

let runs: Run[] = []
const open = async (folder: Folder, own?: Parameters<Folder['open']>[0]): Promise<Run> => {
  const run = await folder.open(own)
  runs.push(run)
  return run
}

afterEach(async () => {
  await Promise.all(runs.map((run) => run.stop(0)))
  runs = []
})

const has = (exporter: ScriptedExporter): number[] => numbersOf(exporter.accepted)
const preamble = [hello(), ring(7n, 1n)]

describe('from the journal to destinations', () => {
  test('every destination gets every record, in order, whatever it is called', async () => {
    const run = await open(new Folder())
    const exporters = range(0, 3).map(() => new ScriptedExporter())
    for (const [i, exporter] of exporters.entries()) await run.serve(exporter, { name: `d${i}` })
    run.take(...preamble)
    for (let n = 1; n <= 400; n += 4) run.take(logs(n, n + 3))
    await run.settled()
    for (const exporter of exporters) expect(has(exporter)).toEqual(range(1, 400))
    expect(run.outlets.all.every((outlet) => accounted(outlet))).toBe(true)
  })

  test('a block is encoded once for all that want the same', async () => {
    const run = await open(new Folder())
    let encoded = 0
    const encoder = (): Encoder => {
      const json = new JsonLinesEncoder()
      return {
        room: (record) => json.room(record),
        encode: (record, out, at) => {
          encoded++
          return json.encode(record, out, at)
        },
      }
    }
    for (const name of ['a', 'b', 'c']) await run.serve(new ScriptedExporter(), { name, encoder })
    run.take(...preamble, logs(1, 500))
    await run.settled()
    expect(encoded).toBe(500)
  })

  test('records are encoded many at once while one format is wanted, and one by one for two', async () => {
    const run = await open(new Folder())
    let inRuns = 0
    const encoder = (): Encoder => {
      const json = new JsonLinesEncoder()
      return {
        room: (record) => json.room(record),
        encode: (record, out, at) => json.encode(record, out, at),
        encodeRun: (asked, out, at) => {
          const taken = json.encodeRun(asked, out, at)
          inRuns += taken?.records ?? 0
          return taken
        },
      }
    }
    const [first, second] = [new ScriptedExporter(), new ScriptedExporter()]
    const outlet = await run.serve(first, { name: 'first', encoder })
    run.take(...preamble, Buffer.concat([logs(1, 3000), dropped(3001n, 2n), logs(3003, 4000)]))
    await run.settled()
    const sofar = inRuns
    // All but a few where a chunk is full.
    expect(sofar).toBeGreaterThan(3950)
    await run.serve(second, { name: 'second', encoding: 'febe', encoder: () => new FebeEncoder() })
    run.take(...preamble, logs(4001, 5000))
    await run.settled()
    expect(inRuns).toBe(sofar)
    expect(has(first)).toEqual([...range(1, 3000), ...range(3003, 5000)])
    expect(accounted(outlet)).toBe(true)
  })

  test('what is behind is encoded many at once, but for what was had before', async () => {
    const folder = new Folder()
    const before = await open(folder)
    const held = new ScriptedExporter('ok', 'ok', 'ok', 'hang')
    await before.serve(held, { limits: { maxRecords: 10, maxBytes: 1_000_000 } })
    before.take(...preamble, logs(1, 900))
    await until('three batches to be settled', () => before.outlets.settled === 30)
    await before.stop(0)
    const after = await open(folder)
    const exporter = new ScriptedExporter()
    const outlet = await after.serve(exporter, { start: 'oldest' })
    await after.settled()
    expect(has(exporter)).toEqual(range(31, 900))
    expect(accounted(outlet)).toBe(true)
  })

  test('a filter of its own leaves records out, and they are counted', async () => {
    const run = await open(new Folder())
    const [all, some] = [new ScriptedExporter(), new ScriptedExporter()]
    await run.serve(all, { name: 'all' })
    const wanted = (record: { severityRank(): number }) => record.severityRank() > 7
    const filtered = await run.serve(some, { name: 'some', encoding: 'json warning', wanted })
    run.take(...preamble)
    for (let n = 1; n <= 60; n++) run.take(log(n, 2, { ELevel: n % 10 === 0 ? 21 : 15 }))
    await run.settled()
    expect(has(all)).toEqual(range(1, 60))
    expect(has(some)).toEqual([10, 20, 30, 40, 50, 60])
    expect(filtered.delivery.stats).toMatchObject({ delivered: 6, filtered: 54 })
    expect(accounted(filtered)).toBe(true)
  })

  test('word of records that a sender did not keep goes where the format has a way to say it', async () => {
    const run = await open(new Folder())
    const [json, febe] = [new ScriptedExporter(), new ScriptedExporter()]
    const a = await run.serve(json, { name: 'json' })
    const b = await run.serve(febe, { name: 'febe', encoding: 'febe', encoder: () => new FebeEncoder() })
    run.take(...preamble, dropped(1n, 5n), logs(6, 8), dropped(9n, 1n), logs(10, 10))
    await run.settled()
    expect(has(json)).toEqual([6, 7, 8, 10])
    for (const outlet of [a, b]) {
      expect(outlet.delivery.stats).toMatchObject({ delivered: 4, notes: 2 })
      expect(accounted(outlet)).toBe(true)
    }
  })

  test('one that hangs delays nobody, holds little memory, and has everything in the end', async () => {
    const run = await open(new Folder(), { segmentBytes: 512 * 1024 })
    const [hung, fast] = [new ScriptedExporter('hang'), new ScriptedExporter()]
    const behind = await run.serve(hung, { name: 'hung' })
    await run.serve(fast, { name: 'fast' })
    const text = 'x'.repeat(1000)
    run.take(...preamble)
    const total = 20_000
    for (let n = 1; n <= total; n += 100) {
      run.take(...range(n, n + 99).map((i) => log(i, 2, { ErrDetail: text })))
      await until('the other one', () => fast.accepted.length === n + 99)
    }
    expect(behind.delivery.queuedBytes).toBeLessThan(8 * 1024 * 1024)
    expect(run.journal.bytesAfter(behind.position)).toBeGreaterThan(20_000_000)
    hung.release()
    await run.settled()
    expect(has(hung)).toEqual(range(1, total))
  }, 30_000)
})

describe('where a destination begins', () => {
  test('a new one with what comes next, or with the oldest if told so', async () => {
    const run = await open(new Folder())
    run.take(...preamble, logs(1, 50))
    await until('the journal', () => run.journal.durable === 50)
    const [late, historian] = [new ScriptedExporter(), new ScriptedExporter()]
    await run.serve(late, { name: 'late' })
    await run.serve(historian, { name: 'historian', start: 'oldest' })
    run.take(logs(51, 60))
    await run.settled()
    expect(has(late)).toEqual(range(51, 60))
    expect(has(historian)).toEqual(range(1, 60))
  })

  test('one that was served before where it ended, also in the middle of a block', async () => {
    const folder = new Folder()
    const first = await open(folder)
    const limits = { maxRecords: 7, maxBytes: 1e6 }
    const script = Array.from({ length: 5 }, () => 'ok' as const)
    const before = new ScriptedExporter(...script, 'hang')
    await first.serve(before, { limits })
    first.take(...preamble, logs(1, 100))
    await until('five batches', () => before.attempts.length === 6)
    // Nothing is closed: as if the process had been killed.
    const second = await open(folder)
    const after = new ScriptedExporter()
    const outlet = await second.serve(after, { limits })
    await second.settled()
    expect(has(before)).toEqual(range(1, 35))
    expect(has(after)).toEqual(range(36, 100))
    expect(outlet.delivery.stats).toMatchObject({ delivered: 100, batches: 15 })
    expect(outlet.ofThisRun).toMatchObject({ delivered: 65 })
    expect(accounted(outlet)).toBe(true)
  })

  test('one whose cursor is beyond the end of the journal, there: what comes then is not taken for old', async () => {
    const folder = new Folder()
    const first = await open(folder)
    await first.serve(new ScriptedExporter())
    first.take(...preamble, logs(1, 20))
    await first.settled()
    await first.stop()
    // A power failure can cost the journal more than the cursor.
    const [segment] = [...new Bun.Glob('*.febe').scanSync(folder.path)]
    writeFileSync(join(folder.path, segment!), '')
    const second = await open(folder)
    expect(second.journal.end).toBe(20)
    const exporter = new ScriptedExporter()
    await second.serve(exporter)
    second.take(...preamble, logs(1, 5))
    await second.settled()
    expect(has(exporter)).toEqual(range(1, 5))
  })

  test('one whose cursor cannot be read, with the oldest: twice is better than never', async () => {
    const folder = new Folder()
    const first = await open(folder)
    await first.serve(new ScriptedExporter())
    first.take(...preamble, logs(1, 20))
    await first.settled()
    await first.stop()
    const path = join(folder.path, 'cursors', 'there.cursor')
    writeFileSync(path, readFileSync(path).reverse())
    const second = await open(folder)
    const exporter = new ScriptedExporter()
    await second.serve(exporter)
    await second.settled()
    expect(has(exporter)).toEqual(range(1, 20))
    expect(second.lines.some(({ message }) => message.includes('cursor'))).toBe(true)
  })
})

describe('what is not delivered', () => {
  test('falling behind what the journal keeps is counted, and said once', async () => {
    const run = await open(new Folder(), { segmentBytes: 64 * 1024, maxBytes: 256 * 1024 })
    const slow = new ScriptedExporter('hang')
    const limits = { maxRecords: 10, maxBytes: 1000 }
    const outlet = await run.serve(slow, { limits })
    run.take(...preamble, log(1))
    await until('the first request', () => slow.attempts.length === 1)
    const text = 'x'.repeat(4000)
    const total = 20_000
    for (let n = 2; n <= total; n += 100) {
      run.take(...range(n, Math.min(total, n + 99)).map((i) => log(i, 2, { ErrDetail: text })))
      await until('the journal', () => run.journal.durable === run.journal.end)
    }
    slow.release()
    await run.settled()
    const { stats } = outlet.delivery
    expect(stats.droppedBy['retention']).toBeGreaterThan(1000)
    expect(stats.delivered + stats.dropped).toBe(total)
    expect(slow.accepted).toHaveLength(stats.delivered)
    expect(accounted(outlet)).toBe(true)
    expect(run.lines.filter(({ message }) => message.includes('fell behind'))).toHaveLength(1)
  }, 30_000)

  test('a record that is refused becomes a dead letter with its position in the journal', async () => {
    const run = await open(new Folder())
    const refuse = (batch: { bytes: Uint8Array }) =>
      Buffer.from(batch.bytes).includes('message 13"')
        ? new PermanentError('bad', { status: 400 })
        : undefined
    const outlet = await run.serve(new ScriptedExporter(refuse))
    run.take(...preamble, logs(1, 30))
    await run.settled()
    expect(run.letters).toEqual([{ position: 12, reason: 'bad', status: 400, attempts: expect.any(Number) }])
    expect(outlet.delivery.stats).toMatchObject({ delivered: 29, rejected: 1 })
    expect(accounted(outlet)).toBe(true)
  })

  test('at the end what was not sent stays in the journal, and goes out in the next run', async () => {
    const folder = new Folder()
    const first = await open(folder)
    const down = new ScriptedExporter(() => new RetryableError('down'))
    const outlet = await first.serve(down)
    first.take(...preamble, logs(1, 30))
    await until('an attempt', () => down.attempts.length > 0)
    await first.stop(0)
    expect(outlet.delivery.stats).toMatchObject({ delivered: 0, dropped: 0 })
    const second = await open(folder)
    const up = new ScriptedExporter()
    await second.serve(up)
    await second.settled()
    expect(has(up)).toEqual(range(1, 30))
  })
})

describe('in memory', () => {
  test('is acknowledged when every destination has it, and forgotten then', async () => {
    const journal = new MemoryJournal(1024 * 1024)
    const run = new Run(journal, undefined)
    runs.push(run)
    const [hung, fast] = [new ScriptedExporter('hang'), new ScriptedExporter()]
    await run.serve(hung, { name: 'hung' })
    await run.serve(fast, { name: 'fast' })
    run.take(...preamble, logs(1, 3000))
    await until('the other one', () => fast.accepted.length === 3000)
    expect(journal.durable).toBe(0)
    run.take(logs(3001, 12_000))
    expect(journal.full).toBe(true)
    hung.release()
    await run.settled()
    expect([journal.durable, journal.full, journal.status().bytes]).toEqual([12_000, false, 0])
    expect(has(hung)).toEqual(range(1, 12_000))
  })
})
