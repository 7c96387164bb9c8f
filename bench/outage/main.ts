import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Pgturret } from './pgturret.ts'
import { Rsyslog } from './rsyslog.ts'
import { type Agent, type Outcome, runScenario } from './run.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { Tailing } from './tailing.ts'

/**
 * `bun bench/outage/main.ts`: what is lost, repeated and out of order when the destination is away and the agent is killed, ended
 * or left alone meanwhile. One agent after another, each with a fresh folder, with its default settings; peers take part when
 * they are on PATH.
 *
 * FAST=1 makes the scenarios five times shorter. ONLY=pgturret takes the agents whose name begins so.
 */

const SCALE = process.env['FAST'] === '1' ? 5 : 1
const ONLY = process.env['ONLY'] ?? ''

type Maker = (folder: string) => Agent

function makers(): Maker[] {
  const all: Maker[] = [(folder) => new Pgturret(folder)]
  if (Bun.which('rsyslogd')) {
    all.push(
      (folder) => new Rsyslog(folder, false),
      (folder) => new Rsyslog(folder, true),
    )
  }
  if (Bun.which('fluent-bit')) all.push(Tailing.fluentBit)
  if (Bun.which('vector')) all.push(Tailing.vector)
  return all
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`

function line(scenario: string, name: string, outcome: Outcome): string {
  const { emitted, lost, repeated, repetitions, backwards, caughtUpSeconds } = outcome
  const columns: [string | number, number][] = [
    [emitted, 8],
    [lost, 8],
    [percent(lost, emitted), 8],
    [repeated, 9],
    [repetitions, 10],
    [backwards, 10],
    [caughtUpSeconds.toFixed(1), 12],
  ]
  const shown = columns.map(([value, width]) => String(value).padStart(width))
  return `${scenario.padEnd(7)} ${name.padEnd(33)} ${shown.join(' ')}`
}

async function run(scenario: Scenario, make: Maker, folder: string): Promise<void> {
  mkdirSync(folder)
  const agent = make(folder)
  if (agent.name.startsWith(ONLY))
    console.log(line(scenario.name, agent.name, await runScenario(agent, scenario)))
}

// A short path: that of a unix socket has room for 107 bytes.
const folder = mkdtempSync('/tmp/pgturret-outage-')
try {
  console.log(
    `${'story'.padEnd(7)} ${'agent'.padEnd(33)}  emitted     lost             repeated in batches  backwards caught up, s`,
  )
  for (const [turn, scenario] of scenarios(SCALE).entries()) {
    for (const [place, make] of makers().entries())
      await run(scenario, make, join(folder, `${turn}-${place}`))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
