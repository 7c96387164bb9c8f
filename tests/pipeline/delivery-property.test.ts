import { expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  BlockedError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../../src/errors.ts'
import type { Batch } from '../../src/exporter.ts'
import type { DeliveryOptions } from '../../src/pipeline/delivery.ts'
import { accountedFor, ScriptedExporter, Stage, textsOf } from './scripted-exporter.ts'

/** What one request comes to; afterwards the destination's own rules hold. */
type Turn =
  | 'accept'
  | 'retry'
  | 'wait'
  | 'reconnect'
  | 'blocked'
  | 'hang'
  | { readonly partial: readonly number[] }

interface Destination {
  readonly turns: readonly Turn[]
  /** Records of which the number is divisible by it are refused, whatever is sent with them. */
  readonly refusedEvery: number
  readonly mostRecords: number
}

const numberOf = (text: string): number => Number(text.slice(1))

/** What a destination says to a batch. */
function says(
  turn: Turn | undefined,
  { refusedEvery, mostRecords }: Destination,
  batch: Batch,
): Error | 'hang' | undefined {
  if (turn === 'hang') return 'hang'
  if (turn === 'retry') return new RetryableError('busy')
  if (turn === 'wait') return new RetryableError('busy', { retryAfterMs: 2500 })
  if (turn === 'reconnect') return new RetryableError('gone', { reconnect: true })
  if (turn === 'blocked') return new BlockedError('no permission')
  if (batch.records > mostRecords) return new TooLargeError('too much')
  const bad = textsOf(batch).flatMap((text, index) => (numberOf(text) % refusedEvery === 0 ? [index] : []))
  if (typeof turn === 'object') {
    const named = [...new Set(turn.partial.map((n) => n % batch.records))]
    const retry = named.filter((index) => !bad.includes(index))
    return new PartialError(
      retry,
      bad.map((index) => ({ index, reason: 'bad' })),
    )
  }
  return bad.length > 0 ? new PermanentError('bad') : undefined
}

function exporterOf(destination: Destination): ScriptedExporter {
  const turns = [...destination.turns]
  const exporter = new ScriptedExporter()
  const send = exporter.send.bind(exporter)
  exporter.send = (batch, signal) => {
    const said = says(turns.shift(), destination, batch)
    exporter.next(said ?? 'ok')
    return send(batch, signal)
  }
  return exporter
}

const turn: fc.Arbitrary<Turn> = fc.oneof(
  fc.constantFrom<Turn>('accept', 'retry', 'wait', 'reconnect', 'blocked', 'hang'),
  fc.record({ partial: fc.array(fc.nat(50), { minLength: 1, maxLength: 5 }) }),
)
const destination: fc.Arbitrary<Destination> = fc.record({
  turns: fc.array(turn, { maxLength: 25 }),
  refusedEvery: fc.constantFrom(1, 2, 3, 7, 1000),
  mostRecords: fc.constantFrom(1, 3, 10, 1000),
})
const chunk = fc
  .array(fc.constantFrom('r', 'r', 'r', 'r', 'f', 'd', 'n'), { minLength: 1, maxLength: 30 })
  .map((entries) => entries.join(''))
const scenario = fc.record({
  destination,
  chunks: fc.array(chunk, { minLength: 1, maxLength: 8 }),
  maxRecords: fc.integer({ min: 1, max: 20 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  maxAttempts: fc.constantFrom(1, 3, Number.POSITIVE_INFINITY),
  lingerMs: fc.constantFrom(0, 100),
})

/** A stage that looks at every commit: positions rise, and everything before them is settled and accounted for. */
function watched(
  exporter: ScriptedExporter,
  entries: string,
  own: Partial<DeliveryOptions>,
): { stage: Stage; settled: Map<number, string> } {
  const settled = new Map<number, string>()
  let last = own.position ?? 0
  const stage: Stage = new Stage(exporter, {
    timeoutMs: 1000,
    onGiveUp: 'skip',
    keeps: true,
    commit: async (position, stats) => {
      expect(position).toBeGreaterThan(last)
      last = position
      expect(accountedFor(stats)).toBe(position)
      const arrived = new Set(exporter.accepted.map(numberOf))
      for (let number = (own.position ?? 0) + 1; number <= position; number++) {
        if (entries[number - 1] === 'r') expect(arrived.has(number) || settled.has(number)).toBe(true)
      }
    },
    reject: async (letters) => {
      for (const { position, reason } of letters) {
        expect(settled.has(position + 1)).toBe(false)
        settled.set(position + 1, reason)
      }
    },
    ...own,
  })
  return { stage, settled }
}

test('every record ends as one thing, once; in order; and the counts are exact at every commit', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ destination, chunks, maxRecords, ...own }) => {
      const exporter = exporterOf(destination)
      const entries = chunks.join('')
      const limits = { maxRecords, maxBytes: 60 }
      const { stage, settled } = watched(exporter, entries, { ...own, limits })
      for (const one of chunks) stage.offerEntries(one)
      await stage.settled()
      const { stats, done, queuedBytes } = stage.delivery
      const records = [...entries].flatMap((kind, i) => (kind === 'r' ? [i + 1] : []))
      const arrived = exporter.accepted.filter((text) => text.startsWith('r')).map(numberOf)
      // Delivered once, or a letter.
      expect([...arrived, ...settled.keys()].toSorted((a, b) => a - b)).toEqual(records)
      expect(stats).toMatchObject({ accepted: records.length, delivered: arrived.length })
      expect(stats.rejected + stats.dropped).toBe(settled.size)
      expect(stats.deadLetters).toBe(settled.size)
      expect([stats.filtered, stats.notes]).toEqual([
        entries.replaceAll(/[^f]/g, '').length,
        entries.replaceAll(/[^dn]/g, '').length,
      ])
      expect([done, accountedFor(stats), queuedBytes]).toEqual([entries.length, entries.length, 0])
      expect(exporter.mostRunning).toBeLessThanOrEqual(own.concurrency)
      const inParts = destination.turns.some((one) => typeof one === 'object')
      if (own.concurrency === 1 && !inParts) expect(arrived).toEqual(arrived.toSorted((a, b) => a - b))
    }),
    { numRuns: 300 },
  )
})

test('a process that ends at any moment: the next one goes on, and repeats no more than what was in flight', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenario,
      fc.nat(30),
      fc.boolean(),
      async ({ destination, chunks, maxRecords, ...own }, moments, politely) => {
        const entries = chunks.join('')
        const limits = { maxRecords, maxBytes: 1000 }
        const before = exporterOf(destination)
        let kept: { position: number; stats: object } = { position: 0, stats: {} }
        let killed = false
        const { stage, settled } = watched(before, entries, {
          ...own,
          limits,
          commit: async (position, stats) => {
            if (!killed) kept = { position, stats }
          },
        })
        for (const one of chunks) stage.offerEntries(one)
        for (let i = 0; i < moments; i++) {
          await Bun.sleep(0)
          stage.clock.advance(stage.clock.untilNext)
        }
        if (politely) {
          await stage.delivery.stop()
          expect(kept.position).toBe(stage.delivery.done)
        }
        const had = before.accepted.map(numberOf)
        const letters = [...settled.keys()]
        killed = true
        const after = exporterOf({ ...destination, turns: [] })
        const next = watched(after, entries, { ...own, ...kept, limits })
        next.stage.offerEntries(entries.slice(kept.position))
        await next.stage.settled()
        const again = after.accepted.map(numberOf)
        const all = new Set([...had, ...again, ...letters, ...next.settled.keys()])
        for (const [i, kind] of [...entries].entries()) if (kind === 'r') expect(all.has(i + 1)).toBe(true)
        expect(had.filter((number) => again.includes(number)).length).toBeLessThanOrEqual(
          own.concurrency * maxRecords,
        )
        expect(accountedFor(next.stage.delivery.stats)).toBe(entries.length)
        if (!politely) await stage.settled()
      },
    ),
    { numRuns: 150 },
  )
})

test('where nobody keeps what is dropped, it is counted: a full queue, an early end', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenario,
      fc.constantFrom(1, 1500, 1e9),
      fc.boolean(),
      async ({ destination, chunks, maxRecords, ...own }, maxQueueBytes, stopEarly) => {
        const exporter = exporterOf(destination)
        const limits = { maxRecords, maxBytes: 1000 }
        const stage = new Stage(exporter, {
          ...own,
          limits,
          maxQueueBytes,
          timeoutMs: 1000,
          onGiveUp: 'close',
        })
        for (const one of chunks) stage.offerEntries(one)
        if (stopEarly) await stage.delivery.stop()
        else await stage.settled()
        const { stats, done, closed, cutShort, queuedBytes } = stage.delivery
        const entries = chunks.join('')
        expect(stats.accepted).toBe(entries.replaceAll(/[^r]/g, '').length)
        expect(stats.delivered + stats.rejected + stats.dropped).toBe(stats.accepted)
        expect(Object.values(stats.droppedBy).reduce((sum, records) => sum + records, 0)).toBe(stats.dropped)
        expect(exporter.accepted.filter((text) => text.startsWith('r'))).toHaveLength(stats.delivered)
        expect(queuedBytes).toBe(0)
        if (!stopEarly) expect(cutShort).toBe(false)
        if (cutShort) expect(closed).toBe(false)
        else expect([done, accountedFor(stats)]).toEqual([entries.length, entries.length])
      },
    ),
    { numRuns: 150 },
  )
})
