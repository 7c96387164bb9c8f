import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { BatchOutcomes, type Outcome, type Refusal } from '../../src/pipeline/batch-outcomes.ts'

const refusal = (outcome: Refusal['outcome'], reason: string): Refusal => ({
  outcome,
  reason,
  status: 400,
  attempts: 1,
})

test('is a list of what became of each record', () => {
  const what = fc.constantFrom<Outcome>('delivered', 'rejected', 'gave_up')
  const step = fc.record({ what, from: fc.nat(19), to: fc.nat(19), listed: fc.boolean() })
  const rest = fc.constantFrom<Outcome | undefined>(undefined, 'closed', 'stopped', 'gave_up')
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step), rest, (records, steps, rest) => {
      const outcomes = new BatchOutcomes(records)
      const model = new Array<Outcome | undefined>(records).fill(undefined)
      for (const { what, from, to, listed } of steps) {
        // A record has one end: what is settled is not settled again.
        const places = model.keys().filter((i) => i >= from && i <= to && model[i] === undefined)
        const at = Uint32Array.from(places)
        const run = at.length > 0 && at.at(-1)! - at[0]! === at.length - 1
        const place = run && !listed ? at[0]! : at
        if (what === 'delivered') outcomes.deliver(place, at.length)
        else outcomes.refuse(place, at.length, refusal(what as 'rejected', `${from}`))
        for (const index of at) model[index] = what
        const open = model.indexOf(undefined)
        expect(outcomes.settledUpTo).toBe(open === -1 ? records : open)
      }
      if (rest !== undefined) {
        outcomes.settleRest(rest === 'gave_up' ? refusal(rest, 'end') : (rest as 'closed'))
        expect(outcomes.settledUpTo).toBe(records)
        const all = model.map((outcome) => outcome ?? rest)
        const counts = outcomes.count(1, records, [1])
        for (const one of new Set(all))
          expect(counts.get(one) ?? 0).toBe(all.slice(2).filter((outcome) => outcome === one).length)
        all.forEach((outcome, index) => {
          const left = outcome === 'rejected' || outcome === 'gave_up' ? outcome : undefined
          expect(outcomes.refusalOf(index)?.outcome).toBe(left as 'rejected')
        })
      }
    }),
  )
})

test('a reason is kept only so long', () => {
  const outcomes = new BatchOutcomes(1)
  outcomes.refuse(0, 1, refusal('rejected', 'x'.repeat(10_000)))
  expect(outcomes.refusalOf(0)!.reason).toHaveLength(500)
})
