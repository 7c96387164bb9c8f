import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { defaultJournal } from '../config/default-paths.ts'
import { listenOptions } from '../config/listen-options.ts'
import { type Given, readOptions } from '../config/options.ts'
import { text } from '../config/values.ts'
import { ConfigError } from '../errors.ts'
import { defaultSocketPath } from '../ingest/socket-path.ts'
import { controlPath } from '../observe/control.ts'
import { readSources } from './settings.ts'

/** Where a listener is found that is started with the same options, for commands that look at it. */

/** Where the packaged service listens. */
const SERVICE_SOCKET = '/run/pgturret/log.sock'
/** Where it keeps its journal. */
export const SERVICE_JOURNAL = '/var/lib/pgturret'

/** The option by which a running listener is found. */
export const socketOptions = z.object({
  socket: text('PATH').optional().meta({
    description: 'socket of the listener (default: as for "pgturret listen", then /run/pgturret/log.sock)',
  }),
})

/** The default differs between users: where nobody listens on one's own, the service is meant. */
export function socketFound(env: Given['env']): string {
  const own = defaultSocketPath(env)
  return !existsSync(controlPath(own)) && existsSync(controlPath(SERVICE_SOCKET)) ? SERVICE_SOCKET : own
}

/** Options by which a journal is found. */
export const journalOptions = z.object({
  journal: text('DIR').optional().meta({
    description: 'folder of the journal (default: as for "pgturret listen")',
  }),
  config: listenOptions.shape.config,
})

/**
 * A path of the listener's, as the command line, the environment or its configuration file says it. Undefined when nothing
 * does, or `problems` has grown.
 */
export function listenerPath(
  key: 'socket' | 'journal',
  given: Given,
  problems: string[],
): string | undefined {
  const schema = z.object({ [key]: listenOptions.shape[key] })
  const own = readOptions(schema, given, problems)
  // What is named here needs no configuration file.
  if (own === undefined || own[key] !== undefined) return own?.[key]
  return readOptions(schema, readSources(given, problems).given, problems)?.[key]
}

/**
 * The folder of the listener's journal. Undefined when `problems` has grown.
 *
 * @param kept what a journal in memory does not keep, for the message
 */
export function listenerJournal(given: Given, problems: string[], kept: string): string | undefined {
  const before = problems.length
  const journal = listenerPath('journal', given, problems)
  if (journal === 'memory')
    problems.push(`--journal: with "memory" ${kept} kept on a disk; expected the folder of a journal`)
  return problems.length > before ? undefined : resolve(journal ?? defaultJournal(given.env))
}

/**
 * Does something with a folder.
 *
 * @throws ConfigError in place of an error of the system: it is about the folder, or whose it is
 */
export async function withSystemErrors<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new ConfigError([`"${folder}": ${(error as Error).message}`])
  }
}
