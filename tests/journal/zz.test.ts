import { writeFileSync } from 'node:fs'
import { test } from 'bun:test'
import fc from 'fast-check'
import { histories } from './model-commands.ts'
import { World, type WorldOptions } from './model-world.ts'

/**
 * A journal and its cursors against a simple model, on a disk that loses and reorders what was not synced. A longer run:
 * `MODEL_RUNS=20000 bun test tests/journal/journal.model.test.ts`; `MODEL_SEED` repeats one that failed.
 */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 400)
const SEED = process.env['MODEL_SEED']

const options: fc.Arbitrary<WorldOptions> = fc.record({
  sync: fc.constantFrom('always', 'interval', 'off'),
  segmentBytes: fc.constantFrom(700, 1500, 4000),
  blockBytes: fc.constantFrom(600, 2000),
  tailBytes: fc.constantFrom(0, 2500),
  maxBytes: fc.constantFrom(6000, 20_000, 1_000_000),
})

for (const harsh of [false, true]) {
  test(harsh ? 'what is damaged is missed exactly' : 'what was promised is kept', async () => {
    const property = fc.asyncProperty(options, histories(harsh), async (given, commands) => {
      const before = JSON.stringify(given) + '\n' + [...commands].map((c) => String(c)).join('\n'); writeFileSync('/tmp/last-run.txt', before)
        const world = new World(given)
      await world.open()
      await fc.asyncModelRun(() => ({ model: {}, real: world }), commands)
      world.disk.mend()
      await world.awaitDurable()
      await world.readAll()
      await world.close()
    })
    await fc.assert(property, {
      numRuns: RUNS, endOnFailure: true,
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
    })
  }, 600_000)
}
