import { existsSync, readFileSync } from 'node:fs'
import { controlPath } from '../src/observe/control.ts'
import { readStatus } from '../src/observe/read-status.ts'
import { feed } from '../tests/support/feed.ts'
import { waitUntil } from '../tests/support/wait-until.ts'
import { type Cost, measureEnd } from './measure.ts'

/** How long the slowest scenario may take. */
const TIMEOUT_MS = 300_000

/**
 * Sends a dump to a listener as a sender would, from a process of its own, and waits until the last record is acknowledged
 * and every destination has it.
 *
 *     bun bench/socket.ts SOCKET DUMP RECORDS        prints the seconds that it took
 */
async function send(path: string, dump: string, records: number): Promise<number> {
  const bytes = readFileSync(dump)
  const began = performance.now()
  await feed(path, bytes, records)
  await untilDelivered(path)
  return (performance.now() - began) / 1000
}

/** Until no destination of a listener is behind. */
async function untilDelivered(path: string): Promise<void> {
  await waitUntil(
    () => readStatus(controlPath(path)),
    ({ snapshot }) => snapshot?.exporters.every(({ lagRecords }) => lagRecords === 0) === true,
    'every destination to have everything',
    { timeoutMs: TIMEOUT_MS, intervalMs: 2 },
  )
}

async function startListener(binary: string, socketPath: string, words: readonly string[]) {
  const listener = Bun.spawn([binary, 'listen', '--socket', socketPath, ...words], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const said = new Response(listener.stderr).text()
  await waitUntil(
    () => existsSync(socketPath) || listener.exitCode !== null,
    Boolean,
    'the listener to listen',
    { intervalMs: 1, timeoutMs: TIMEOUT_MS },
  )
  if (listener.exitCode !== null) throw new Error(await said)
  return listener
}

/** Runs a listener with these arguments, feeds it the dump, and ends it: its own cost, the feeder's not counted. */
export async function measureListener(
  binary: string,
  socketPath: string,
  words: readonly string[],
  dump: string,
  records: number,
): Promise<Cost> {
  const listener = await startListener(binary, socketPath, words)
  const feeder = Bun.spawn([process.execPath, import.meta.path, socketPath, dump, String(records)])
  const seconds = Number(await new Response(feeder.stdout).text())
  return measureEnd(listener, seconds)
}

/** Runs a listener whose journal is full of records that its destination has not had: until it has them. */
export async function measureCatchUp(
  binary: string,
  socketPath: string,
  words: readonly string[],
): Promise<Cost> {
  const began = performance.now()
  const listener = await startListener(binary, socketPath, words)
  await untilDelivered(socketPath)
  return measureEnd(listener, (performance.now() - began) / 1000)
}

/** Starts a listener and ends it: the seconds until it listens. */
export async function measureStart(
  binary: string,
  socketPath: string,
  words: readonly string[],
): Promise<Cost> {
  const began = performance.now()
  const listener = await startListener(binary, socketPath, words)
  return measureEnd(listener, (performance.now() - began) / 1000)
}

if (import.meta.main) {
  const [path, dump, records] = process.argv.slice(2)
  console.log(await send(path!, dump!, Number(records)))
}
