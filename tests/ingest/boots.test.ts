import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Boot, Boots } from '../../src/ingest/boots.ts'

test('a ring that is not known begins with nothing', () => {
  expect(new Boots().get(7n)).toEqual({ id: 7n, durable: -1n, received: -1n })
})

test('is received when marked, durable when its position is settled', () => {
  const boots = new Boots()
  const boot = boots.get(7n)
  boots.mark(3, boot, 12n)
  boots.mark(5, boot, 14n)
  expect(boot).toMatchObject({ durable: -1n, received: 14n })
  expect(boots.settle(2).size).toBe(0)
  expect([...boots.settle(4)]).toEqual([boot])
  expect(boots.get(7n).durable).toBe(12n)
  expect([...boots.settle(5)]).toEqual([boot])
  expect(boots.get(7n).durable).toBe(14n)
  expect(boots.settle(100).size).toBe(0)
  expect(boots.waiting).toBe(0)
})

test('rings move apart from each other', () => {
  const boots = new Boots()
  const [one, two] = [boots.get(1n), boots.get(2n)]
  boots.mark(1, one, 10n)
  boots.mark(2, two, 20n)
  expect([...boots.settle(1)]).toEqual([one])
  expect([one.durable, two.durable]).toEqual([10n, -1n])
})

test('of too many rings the one that was not used for longest is forgotten', () => {
  const boots = new Boots()
  for (let id = 0n; id < 256n; id++) boots.get(id).durable = 5n
  boots.get(0n)
  boots.get(1000n)
  expect(boots.get(0n).durable).toBe(5n)
  expect(boots.get(2n).durable).toBe(5n)
  expect(boots.get(1n).durable).toBe(-1n)
})

test('marks that wait for a destination that hangs take bounded memory, and none is acknowledged too early', () => {
  const step = fc.record({ ring: fc.integer({ min: 0, max: 3 }), count: fc.integer({ min: 1, max: 9 }) })
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 20 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, part) => {
        const boots = new Boots()
        const said: { position: number; boot: Boot; sequence: bigint }[] = []
        let position = 0
        for (let round = 0; round < 40_000 / steps.length; round++) {
          for (const { ring, count } of steps) {
            const boot = boots.get(BigInt(ring))
            position += count
            boots.mark(position, boot, boot.received + BigInt(count))
            said.push({ position, boot, sequence: boot.received })
          }
        }
        expect(boots.waiting).toBeLessThanOrEqual(8192)
        const settled = Math.floor(position * part)
        boots.settle(settled)
        for (const boot of new Set(said.map((mark) => mark.boot))) {
          const allowed =
            said.findLast((mark) => mark.boot === boot && mark.position <= settled)?.sequence ?? -1n
          if (boot.durable > allowed) throw new Error(`acknowledged ${boot.durable}, allowed ${allowed}`)
        }
        boots.settle(position)
        for (const { boot } of said) if (boot.durable !== boot.received) throw new Error('something is left')
      },
    ),
    { numRuns: 10 },
  )
})
