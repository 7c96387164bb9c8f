/**
 * `make quickstart`: a throw-away PostgreSQL with the shim, a listener on this terminal, and some trouble to look at.
 *
 * Runs until Ctrl-C, or for QUICKSTART_SECONDS (the whole story is told in any case), and leaves nothing behind.
 */

import { join } from 'node:path'
import { DemoListener } from './demo/listener.ts'
import { counters, EVERYDAY, HBA, prepare, SETTINGS, type Shop, STORY, type Step } from './demo/steps.ts'
import { Cluster } from './postgres/cluster.ts'
import { lastLines } from './postgres/postmaster.ts'
import { removeWorkspace, workspace } from './postgres/workspace.ts'

const STEP_PAUSE_MS = 500
const EVERYDAY_PAUSE_MS = 2_000

const HOW_TO_GO_ON = `
That was pgturret. On a server of your own: put shared_preload_libraries = 'pgturret' into postgresql.conf, restart,
run CREATE EXTENSION pgturret for its counters (SELECT * FROM pgturret_stat), and start pgturret listen. README.md
shows how.`

process.exit(await main())

async function main(): Promise<number> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // The second one does not wait for anybody: leaving removes the folder, and kills what is still in it.
    process.on(signal, () => (stopping.signal.aborted ? process.exit(130) : stopping.abort()))
  }
  let cluster: Cluster | undefined
  let listener: DemoListener | undefined
  try {
    const deadline = readDeadline(process.env['QUICKSTART_SECONDS'])
    const socket = join(workspace(), 'log.sock')
    note('starting pgturret listen and a throw-away PostgreSQL')
    cluster = await Cluster.create({ shim: true, hba: HBA, settings: settingsFor(socket) })
    listener = await DemoListener.start(socket)
    await cluster.start()
    const shop = { cluster, signal: stopping.signal }
    await Promise.race([tell(shop, deadline), aborted(stopping.signal), listener.untilDeath()])
    await end(cluster, listener)
    console.log(HOW_TO_GO_ON)
    return 0
  } catch (error) {
    if (stopping.signal.aborted) return 0
    console.error(`\nquickstart failed: ${(error as Error).message}`)
    if (cluster?.serverLog())
      console.error(`\nThe server's log ends with:\n${lastLines(cluster.logFile, 15)}`)
    return 1
  } finally {
    stopping.abort()
    await end(cluster, listener).catch(() => undefined)
    removeWorkspace()
  }
}

function settingsFor(socket: string) {
  return { ...SETTINGS, cluster_name: 'quickstart', 'pgturret.socket': socket }
}

/** The server first: its last lines are worth seeing as well. */
async function end(cluster?: Cluster, listener?: DemoListener): Promise<void> {
  await cluster?.stop('fast')
  await listener?.stop()
}

async function tell(shop: Shop, deadline: number): Promise<void> {
  await prepare(shop)
  for (const step of STORY) await show(step, shop, STEP_PAUSE_MS)
  if (!shop.signal.aborted) note(`SELECT * FROM pgturret_stat: ${await counters(shop)}`)
  if (deadline === Number.POSITIVE_INFINITY) note('from here on an ordinary day; Ctrl-C ends it')
  for (let turn = 0; performance.now() < deadline && !shop.signal.aborted; turn += 1) {
    const left = deadline - performance.now()
    await show(EVERYDAY[turn % EVERYDAY.length] as Step, shop, Math.min(EVERYDAY_PAUSE_MS, left))
  }
}

async function show(step: Step, shop: Shop, pauseMs: number): Promise<void> {
  if (shop.signal.aborted) return
  note(step.what)
  await step.run(shop)
  if (!shop.cluster.isRunning) throw new Error('PostgreSQL has ended')
  // So that a reader sees which record belongs to which line.
  await Bun.sleep(pauseMs)
}

function note(what: string): void {
  const dim = process.stdout.isTTY && !process.env['NO_COLOR']
  console.log(dim ? `\x1b[2m-- ${what}\x1b[0m` : `-- ${what}`)
}

/** When to end, on the clock of performance.now(), which starts with the process. */
function readDeadline(seconds: string | undefined): number {
  if (seconds === undefined || seconds === '') return Number.POSITIVE_INFINITY
  const number = Number(seconds)
  if (number > 0) return number * 1000
  throw new Error(`QUICKSTART_SECONDS is "${seconds}", expected a number of seconds above 0`)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
