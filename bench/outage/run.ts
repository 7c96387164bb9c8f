import { waitUntil } from '../../scripts/wait-until.ts'
import type { Sink } from '../sinks.ts'
import type { Scenario } from './scenarios.ts'
import type { Tally } from './tally.ts'

/** A program that takes records and sends them to a sink. */
export interface Agent {
  readonly name: string
  readonly sink: Sink
  readonly tally: Tally
  /** Seconds without anything new after which nothing is to be expected any more: its longest wait, and some. */
  readonly patience: number
  /** Resolves when it runs. */
  start(): Promise<void>
  /** Resolves when it has ended. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** The records with these numbers come into being, the last one left out. */
  emit(from: number, to: number): void
  /** After the last end. */
  close(): void
}

/** What became of the records of one scenario. */
export interface Outcome {
  readonly emitted: number
  readonly lost: number
  /** Records that arrived more than once, and in how many batches. */
  readonly repeated: number
  readonly repetitions: number
  /** Records that arrived behind later ones. */
  readonly backwards: number
  /** From the moment that the destination was back to the last new record; 0 when there was none. */
  readonly caughtUpSeconds: number
}

/** As the module does when a server is busy. */
const TICK_MS = 10

/** Takes an agent through a scenario, from its start to its end. */
export async function runScenario(agent: Agent, scenario: Scenario): Promise<Outcome> {
  const { sink, tally } = agent
  if (scenario.downAt > 0) sink.up()
  await agent.start()
  const story = tell(agent, scenario)
  const emitted = await feed(agent, scenario)
  const backAt = await story
  const patient = () => performance.now() - Math.max(tally.freshAt, backAt) < agent.patience * 1000
  await waitUntil(() => tally.seen === emitted || !patient(), Boolean, `${agent.name} to be done`, {
    timeoutMs: 600_000,
  })
  const caughtUpSeconds = Math.max(0, tally.freshAt - backAt) / 1000
  await agent.end('SIGTERM')
  sink.down()
  agent.close()
  const { seen, repeated, repetitions, backwards } = tally
  return { emitted, lost: emitted - seen, repeated, repetitions, backwards, caughtUpSeconds }
}

/** Records at an even pace, whatever happens to the agent. */
async function feed(agent: Agent, { perSecond, seconds }: Scenario): Promise<number> {
  const total = Math.round(perSecond * seconds)
  const began = performance.now()
  for (let sent = 0; sent < total; await Bun.sleep(TICK_MS)) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond))
    if (due > sent) agent.emit(sent, due)
    sent = due
  }
  return total
}

/** What happens meanwhile. Returns when the destination was back, on the clock of `performance.now`. */
async function tell(agent: Agent, { downAt, upAt, end }: Scenario): Promise<number> {
  const began = performance.now()
  const until = (seconds: number) => Bun.sleep(Math.max(0, began + seconds * 1000 - performance.now()))
  const ends = async () => {
    if (end === undefined) return
    await until(end.at)
    await agent.end(end.signal)
    await until(end.againAt)
    await agent.start()
  }
  const goes = async () => {
    await until(downAt)
    if (downAt > 0) agent.sink.down()
    await until(upAt)
    agent.sink.up()
    return performance.now()
  }
  const [backAt] = await Promise.all([goes(), ends()])
  return backAt
}
