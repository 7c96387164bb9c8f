/**
 * The stories of `bench/outage`, ten times shorter and all at once: the destination is away while the listener is killed, ended
 * or left alone. Nothing is lost, nothing is out of order, and no more than one batch comes twice.
 */

import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Pgturret } from '../../bench/outage/pgturret.ts'
import { type Outcome, runScenario } from '../../bench/outage/run.ts'
import { type Scenario, scenarios } from '../../bench/outage/scenarios.ts'
import { beforeRemoval } from '../../scripts/postgres/workspace.ts'

// A short path: that of a unix socket has room for 107 bytes.
const folder = mkdtempSync('/tmp/pgturret-outage-')
const remove = () => rmSync(folder, { recursive: true, force: true })
beforeRemoval(remove)
afterAll(remove)

const SCALE = 10

async function outcome(scenario: Scenario): Promise<{ outcome: Outcome; unsent: number }> {
  const own = join(folder, scenario.name)
  mkdirSync(own)
  // A listener that is told to end while its destination is away waits for it: here it is to be gone before.
  const agent = new Pgturret(own, ['--drain-timeout', '50ms'])
  return { outcome: await runScenario(agent, scenario), unsent: agent.unsent }
}

const stories = scenarios(SCALE)
const running = new Map(stories.map((scenario) => [scenario.name, outcome(scenario)]))
// Awaited in its own test below; a failure of one must not end the others.
for (const story of running.values()) story.catch(() => undefined)

for (const { name, perSecond, seconds } of stories) {
  test(name, async () => {
    const { outcome, unsent } = await running.get(name)!
    expect({ ...outcome, unsent }).toMatchObject({
      emitted: perSecond * seconds,
      lost: 0,
      backwards: 0,
      unsent: 0,
    })
    expect(outcome.repetitions).toBeLessThanOrEqual(1)
  }, 30_000)
}
