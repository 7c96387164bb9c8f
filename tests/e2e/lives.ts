import { BINARY } from '../support/binary.ts'
import { startListener } from '../support/listener-process.ts'

/** Lives of a listener that end with SIGKILL, whatever it is doing. */

/** Longest life after the start, and longest of those that are to end before. */
const MOST_MS = 1000
const MOST_START_MS = 300

/** One that ends some time after its start; returns what it said. */
export async function liveAndDie(words: readonly string[]): Promise<string> {
  const listener = await startListener(words)
  // Nothing is waited for: the moment is what is random.
  await Bun.sleep(Math.random() * MOST_MS)
  await listener.kill9()
  return listener.stderr()
}

/**
 * One that ends while it starts, or at the latest soon after; returns what it said.
 *
 * @throws when it ends by itself
 */
export async function dieYoung(words: readonly string[]): Promise<string> {
  const child = Bun.spawn([BINARY, 'listen', ...words], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
  const said = new Response(child.stderr).text()
  await Bun.sleep(Math.random() * MOST_START_MS)
  child.kill('SIGKILL')
  await child.exited
  if (child.signalCode !== 'SIGKILL') throw new Error(`it ended by itself: ${await said}`)
  return said
}
