import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Place, Settled } from '../../../src/cli/replay/settled.ts'

/** What is read next: entries of which some are wanted, or another recording; or what was given is settled. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('entry' as const), wanted: fc.boolean() }),
  fc.record({ kind: fc.constant('piece' as const) }),
  fc.record({ kind: fc.constant('recording' as const) }),
  fc.record({ kind: fc.constant('settle' as const), count: fc.nat(5) }),
)

describe('the place up to which everything is settled', () => {
  test('lies behind the last settled entry, and not behind one that is not', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const settled = new Settled()
        const accepted: Place[] = []
        let [recording, position, done] = [0, 0, 0]
        for (const one of steps) {
          if (one.kind === 'entry') {
            position++
            if (one.wanted) {
              accepted.push({ recording, position })
              settled.accepted(recording, position)
            }
          } else if (one.kind === 'piece') settled.read(recording, position)
          else if (one.kind === 'recording') {
            settled.read(recording, position)
            recording++
            position = 0
          } else {
            done = Math.min(accepted.length, done + one.count)
            const place = settled.place(done)
            if (place === undefined) continue
            const last = accepted[done - 1]
            const next = accepted[done]
            if (last !== undefined) expect(order(place, last)).toBeGreaterThanOrEqual(0)
            if (next !== undefined) {
              expect(order(place, next)).toBeLessThan(0)
              // Exactly there: nothing is sent twice.
              expect(place).toEqual(last!)
            }
          }
        }
        settled.read(recording, position)
        expect(settled.place(accepted.length)).toEqual({ recording, position })
      }),
    )
  })

  test('is no news before anything is', () => {
    const settled = new Settled()
    settled.accepted(0, 1)
    expect(settled.place(0)).toBeUndefined()
  })

  test('is found behind many stretches', () => {
    const settled = new Settled()
    for (let i = 1; i <= 10_000; i++) settled.accepted(0, 2 * i)
    for (const done of [1, 5000, 5001, 9999])
      expect(settled.place(done)).toEqual({ recording: 0, position: 2 * done })
  })
})

const order = (a: Place, b: Place): number => a.recording - b.recording || a.position - b.position
