import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeRemoval } from '../../scripts/postgres/workspace.ts'
import { BINARY } from './binary.ts'
import { waitUntil } from './wait-until.ts'

/** A compiled `pgturret listen` that runs, with what it has printed so far. */
export interface ListenerProcess {
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Sends SIGTERM and returns the exit status. */
  stop(): Promise<number>
  /** Kills it as the kernel's out-of-memory killer would. */
  kill9(): Promise<void>
}

/** Journals of listeners that were given none: one for each socket, so that a listener that comes back finds its own. */
const JOURNALS = mkdtempSync(join(tmpdir(), 'pgturret-journals-'))
beforeRemoval(() => rmSync(JOURNALS, { recursive: true, force: true }))

function journalOf(words: readonly string[]): string[] {
  if (words.some((word) => word.startsWith('--journal') || word.startsWith('--config'))) return []
  const socket = words[words.indexOf('--socket') + 1] ?? ''
  return ['--journal', join(JOURNALS, Bun.hash(socket).toString(36))]
}

/** Starts the compiled listener, with a journal of its own unless it is given one, and resolves when it listens. */
export async function startListener(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ListenerProcess> {
  const child = Bun.spawn([BINARY, 'listen', ...journalOf(words), ...words], {
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  await waitUntil(
    () => ({ said: stderr(), ended: child.exitCode }),
    ({ said, ended }) => said.includes('listening on') || ended !== null,
    'the listener to listen',
  )
  if (child.exitCode !== null) throw new Error(`the listener ended with ${child.exitCode}: ${stderr()}`)
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return child.exited
  }
  return {
    pid: child.pid,
    stdout,
    stderr,
    stop: () => end('SIGTERM'),
    kill9: async () => void (await end('SIGKILL')),
  }
}

function collect(stream: ReadableStream<Uint8Array>): () => string {
  let text = ''
  const decoder = new TextDecoder()
  ;(async () => {
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true })
  })()
  return () => text
}
