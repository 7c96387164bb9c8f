import { describe, expect, test } from 'bun:test'
import { ScriptedExporter, Stage } from './scripted-exporter.ts'

/** Enough turns for whatever can go on without time. */
const turns = async () => {
  for (let i = 0; i < 5; i++) await Bun.sleep(0)
}

const limits = { maxRecords: 10, maxBytes: 1000 }

describe('a batch that is not full', () => {
  test('waits until its oldest record has waited long enough', async () => {
    const stage = new Stage(new ScriptedExporter(), { limits, lingerMs: 500 })
    stage.offer(1)
    await turns()
    stage.clock.advance(300)
    stage.offer(2)
    await turns()
    expect([stage.exporter.attempts, stage.delivery.lingering, stage.delivery.idle]).toEqual([
      [],
      true,
      false,
    ])
    stage.clock.advance(199)
    await turns()
    expect(stage.exporter.attempts).toEqual([])
    stage.clock.advance(1)
    await turns()
    expect([stage.exporter.attempts, stage.delivery.lingering, stage.delivery.idle]).toEqual([
      [3],
      false,
      true,
    ])
    stage.offer(1)
    await turns()
    expect(stage.exporter.attempts).toEqual([3])
    await stage.settled()
  })

  test('counts from when the record was received, where that is known', async () => {
    const stage = new Stage(new ScriptedExporter(), { limits, lingerMs: 500 })
    stage.offerEntries('r', stage.clock.now() - 450)
    await turns()
    expect(stage.clock.waits).toEqual([50])
    stage.offerEntries('r', stage.clock.now() - 10_000)
    await stage.settled()
    stage.offerEntries('r', stage.clock.now() - 10_000)
    await turns()
    expect(stage.exporter.attempts).toEqual([2, 1])
  })

  test('is sent as soon as it is full, and what is over waits on', async () => {
    const stage = new Stage(new ScriptedExporter(), { limits, lingerMs: 500 })
    stage.offer(6)
    await turns()
    stage.offer(6)
    await turns()
    // Chunks are joined as a whole.
    expect(stage.exporter.attempts).toEqual([6])
    stage.offer(5)
    await turns()
    expect(stage.exporter.attempts).toEqual([6, 6])
    expect(stage.clock.sleeping).toBe(1)
    await stage.settled()
    expect(stage.exporter.attempts).toEqual([6, 6, 5])
  })

  test('does not wait for what the queue has no room for', async () => {
    const stage = new Stage(new ScriptedExporter(), { limits, lingerMs: 500, maxQueueBytes: 1 })
    stage.offer(1)
    await turns()
    expect(stage.exporter.attempts).toEqual([1])
  })

  test('goes at once when somebody wants it settled, flushed or stopped', async () => {
    for (const end of ['settle', 'flush'] as const) {
      const stage = new Stage(new ScriptedExporter(), { limits, lingerMs: 500 })
      stage.offer(1)
      await turns()
      await stage.delivery[end]()
      await turns()
      expect([stage.exporter.attempts, stage.clock.sleeping]).toEqual([[1], 0])
      stage.offer(1)
      await turns()
      expect(stage.delivery.lingering).toBe(true)
    }
    const stage = new Stage(new ScriptedExporter(), { limits, lingerMs: 500, keeps: true })
    stage.offer(1)
    await turns()
    await stage.delivery.stop()
    expect(stage.exporter.closed).toBe(1)
  })

  test('does not wait without being told to', async () => {
    const stage = new Stage(new ScriptedExporter(), { limits })
    stage.offer(1)
    await turns()
    expect([stage.exporter.attempts, stage.clock.waits]).toEqual([[1], []])
  })
})
