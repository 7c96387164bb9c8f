import { afterEach, describe, expect, test } from 'bun:test'
import { RetryableError } from '../../src/errors.ts'
import { makeLog } from '../../src/log.ts'
import { CHUNK_BYTES } from '../../src/pipeline/chunk.ts'
import { Delivery, type DeliveryOptions } from '../../src/pipeline/delivery.ts'
import { DirectPipeline } from '../../src/pipeline/direct-pipeline.ts'
import type { Encoder } from '../../src/render/encoder.ts'
import { recordOf } from '../record/records.ts'
import { waitUntil } from '../support/wait-until.ts'
import { FakeClock } from './fake-clock.ts'
import { ScriptedExporter } from './scripted-exporter.ts'

/** Writes `r1`, `r2` … in the order in which records come, each so many bytes long. */
class NumberEncoder implements Encoder {
  #count = 0
  readonly #bytes: number

  constructor(bytes = 8) {
    this.#bytes = bytes
  }

  room(): number {
    return this.#bytes
  }

  encode(_: unknown, out: { bytes: Uint8Array }, at: number): number {
    const text = Buffer.alloc(this.#bytes, 0x20)
    text.write(`r${++this.#count}`)
    text[this.#bytes - 1] = 0x0a
    out.bytes.set(text, at)
    return at + this.#bytes
  }
}

const record = recordOf({ LogTime: '2026-03-01 12:00:00.001 UTC' })
const lost = { firstSequence: 0n, count: 3n, elevel: 15, reason: 'queue_full' }

let running: DirectPipeline[] = []
afterEach(async () => {
  await Promise.all(running.map((pipeline) => pipeline.drain(0)))
  running = []
})

/** A pipeline with a lane for each group of exporters. */
function pipelineTo(
  groups: readonly (readonly ScriptedExporter[])[],
  own: Partial<DeliveryOptions> = {},
  bytes = 8,
) {
  const pipeline = new DirectPipeline()
  const clock = new FakeClock()
  const deliveries = groups.map((exporters) =>
    exporters.map(
      (exporter) =>
        new Delivery({
          name: 'there',
          exporter,
          limits: { maxRecords: 10_000, maxBytes: 2 * CHUNK_BYTES },
          maxQueueBytes: 64 * 1024 * 1024,
          retryForMs: Number.POSITIVE_INFINITY,
          giveUp: () => false,
          log: makeLog(() => undefined, false, clock.now),
          clock,
          pool: pipeline.pool,
          onProgress: pipeline.progressed,
          ...own,
        }),
    ),
  )
  for (const group of deliveries) pipeline.addLane(new NumberEncoder(bytes), group)
  running.push(pipeline)
  const accept = (count: number) => {
    for (let i = 0; i < count; i++) pipeline.accept(record)
    pipeline.flush()
  }
  const until = (what: string, condition: () => boolean) =>
    waitUntil(condition, (holds) => holds, what, { intervalMs: 0 })
  return { pipeline, deliveries: deliveries.flat(), clock, accept, until }
}

const countOf = (exporter: ScriptedExporter): number => exporter.accepted.length
const inOrder = (exporter: ScriptedExporter): boolean =>
  exporter.accepted.every((text, i) => text.trim() === `r${i + 1}`)

describe('delivering', () => {
  test('every destination of every format gets every record, in order', async () => {
    const exporters = Array.from({ length: 4 }, () => new ScriptedExporter())
    const [a, b, c, d] = exporters as [ScriptedExporter, ScriptedExporter, ScriptedExporter, ScriptedExporter]
    const { pipeline, accept, until } = pipelineTo([
      [a, b],
      [c, d],
    ])
    for (let round = 0; round < 50; round++) {
      accept(7)
      if (round % 10 === 0) await Bun.sleep(0)
    }
    await until('everything to settle', () => pipeline.done === 350)
    expect(exporters.map(countOf)).toEqual([350, 350, 350, 350])
    expect(exporters.every(inOrder)).toBe(true)
  })

  test('a destination that hangs keeps no other one waiting, in its own format or another', async () => {
    const [hung, near, far] = [new ScriptedExporter('hang'), new ScriptedExporter(), new ScriptedExporter()]
    const { pipeline, accept, until } = pipelineTo([[hung, near], [far]])
    accept(5)
    await until('the hung request', () => hung.attempts.length === 1)
    for (let round = 0; round < 20; round++) accept(10)
    await until('the others', () => countOf(near) === 205 && countOf(far) === 205)
    expect(pipeline.done).toBe(0)
    hung.release()
    await until('all', () => pipeline.done === 205)
    expect([hung, near, far].every(inOrder)).toBe(true)
    expect(countOf(hung)).toBe(205)
  })

  test('a destination that hangs holds at most its queue; what is over is dropped and counted', async () => {
    const [hung, near] = [new ScriptedExporter('hang'), new ScriptedExporter()]
    const maxQueueBytes = 3 * 1024 * 1024
    const { pipeline, deliveries, accept, until } = pipelineTo([[hung, near]], { maxQueueBytes }, 1000)
    let total = 0
    for (let round = 0; round < 200; round++) {
      accept(100)
      total += 100
      await until('the other one', () => countOf(near) === total)
      expect(deliveries[0]!.queuedBytes).toBeLessThan(maxQueueBytes + 2 * CHUNK_BYTES)
    }
    const { stats } = deliveries[0]!
    expect(stats.dropped).toBeGreaterThan(10_000)
    expect(deliveries[1]!.stats).toMatchObject({ delivered: total, dropped: 0 })
    hung.release()
    await until('all', () => pipeline.done === total)
    expect(stats.accepted).toBe(total)
    expect(stats.delivered + stats.dropped).toBe(total)
    expect(countOf(hung)).toBe(stats.delivered)
  })

  test('many small pieces that wait are counted with what they take', async () => {
    const [hung, near] = [new ScriptedExporter('hang'), new ScriptedExporter()]
    const { deliveries, accept, until } = pipelineTo([[hung, near]])
    accept(1)
    await until('the hung request', () => hung.attempts.length === 1)
    const before = deliveries[0]!.queuedBytes
    for (let n = 2; n <= 101; n++) {
      accept(1)
      await until('the other one', () => countOf(near) === n)
    }
    // Eight bytes each, and hundreds around them.
    expect(deliveries[0]!.queuedBytes - before).toBeGreaterThan(100 * 300)
    hung.release()
    await until('all', () => countOf(hung) === 101)
    // They are joined again.
    expect(hung.attempts.length).toBeLessThan(5)
    expect(deliveries[0]!.queuedBytes).toBe(0)
  })

  test('while a destination is busy records gather in one piece', async () => {
    const slow = new ScriptedExporter('hang')
    const { deliveries, accept, until } = pipelineTo([[slow]])
    accept(1)
    await until('the request', () => slow.attempts.length === 1)
    const before = deliveries[0]!.queuedBytes
    for (let n = 0; n < 1000; n++) accept(1)
    expect(deliveries[0]!.queuedBytes).toBe(before)
    slow.release()
    await until('the rest', () => countOf(slow) === 1001)
    expect(slow.attempts).toEqual([1, 1000])
  })
})

describe('positions', () => {
  test('are done when every destination has settled them, rejected and dropped ones too', async () => {
    const [a, b] = [new ScriptedExporter('hang'), new ScriptedExporter(new TypeError('bug'))]
    const { pipeline, accept, until } = pipelineTo([[a], [b]])
    expect([pipeline.position, pipeline.done]).toEqual([0, 0])
    accept(3)
    expect(pipeline.position).toBe(3)
    await until('the refusal', () => b.attempts.length > 0)
    expect(pipeline.done).toBe(0)
    a.release()
    await until('all', () => pipeline.done === 3)
  })

  test('are not done while a record has not been handed over', () => {
    const exporter = new ScriptedExporter()
    const { pipeline } = pipelineTo([[exporter]])
    pipeline.accept(record)
    expect([pipeline.position, pipeline.done]).toEqual([1, 0])
  })

  test('word of dropped records has one too; a format without words for it is done with it at once', () => {
    const { pipeline } = pipelineTo([[new ScriptedExporter()]])
    pipeline.acceptDropped(lost, record.source)
    expect([pipeline.position, pipeline.done]).toEqual([1, 1])
  })

  test('those who listen hear of progress', async () => {
    const exporter = new ScriptedExporter()
    const { pipeline, accept, until } = pipelineTo([[exporter]])
    let heard = 0
    pipeline.onProgress(() => {
      heard = pipeline.done
    })
    accept(4)
    await until('word of it', () => heard === 4)
  })
})

describe('full and closed', () => {
  test('full when nobody who is left can take more', async () => {
    const [a, b] = [new ScriptedExporter('hang'), new ScriptedExporter('hang')]
    const { pipeline, deliveries, accept } = pipelineTo([[a], [b]], { maxQueueBytes: 1 })
    expect(pipeline.full).toBe(false)
    accept(1)
    expect(pipeline.full).toBe(true)
    deliveries[0]!.closed = true
    expect([pipeline.full, pipeline.closed]).toEqual([true, false])
    deliveries[1]!.closed = true
    expect([pipeline.full, pipeline.closed]).toEqual([false, true])
  })

  test('not full while one of them can', async () => {
    const [hung, near] = [new ScriptedExporter('hang'), new ScriptedExporter()]
    const { pipeline, deliveries, accept, until } = pipelineTo([[hung, near]], { maxQueueBytes: 1 })
    accept(1)
    await until('the other one', () => countOf(near) === 1)
    expect([deliveries[0]!.full, pipeline.full]).toEqual([true, false])
  })

  test('room is waited for until every destination that is left has it', async () => {
    const [a, b] = [new ScriptedExporter('hang'), new ScriptedExporter('hang')]
    const { pipeline, deliveries, accept, until } = pipelineTo([[a], [b]])
    await pipeline.room(0)
    accept(1)
    let there = false
    const room = pipeline.room(0).then(() => {
      there = true
    })
    await until('the requests', () => a.attempts.length + b.attempts.length === 2)
    a.release()
    await until('the first', () => deliveries[0]!.queuedBytes === 0)
    expect(there).toBe(false)
    b.release()
    await room
  })
})

describe('draining', () => {
  test('sends everything, then closes', async () => {
    const exporter = new ScriptedExporter(new RetryableError('busy'))
    const { pipeline, deliveries, clock } = pipelineTo([[exporter]])
    for (let i = 0; i < 5; i++) pipeline.accept(record)
    const drained = pipeline.drain(60_000)
    await clock.skipWait()
    await drained
    expect(countOf(exporter)).toBe(5)
    expect(exporter.closed).toBe(1)
    expect(deliveries[0]!.stats).toMatchObject({ delivered: 5, dropped: 0 })
  })

  test('after the time everything that is left is counted, and not done: whoever can still keep it shall', async () => {
    const [hung, near] = [new ScriptedExporter('ok', 'hang'), new ScriptedExporter()]
    const { pipeline, deliveries, accept, until } = pipelineTo([[hung], [near]])
    accept(3)
    await until('the first', () => pipeline.done === 3)
    for (let i = 0; i < 5; i++) pipeline.accept(record)
    await pipeline.drain(20)
    expect(deliveries[0]!.stats).toMatchObject({ accepted: 8, delivered: 3, dropped: 5 })
    expect(deliveries[1]!.stats).toMatchObject({ accepted: 8, delivered: 8, dropped: 0 })
    expect([hung.closed, near.closed]).toEqual([1, 1])
    expect(pipeline.done).toBe(3)
  })
})
