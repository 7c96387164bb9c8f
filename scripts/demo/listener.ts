/** A `pgturret listen` of the demonstration's own. */

import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { detached, signal } from '../postgres/processes.ts'
import { beforeRemoval } from '../postgres/workspace.ts'
import { waitUntil } from '../wait-until.ts'

const BINARY = resolve(import.meta.dir, '../../dist/pgturret')
const DRAIN_MS = 15_000

export class DemoListener {
  readonly #child: Bun.Subprocess

  private constructor(child: Bun.Subprocess) {
    this.#child = child
    beforeRemoval(() => this.isRunning && signal(child.pid, 'SIGKILL'))
  }

  /**
   * Starts it, writing to this terminal, and resolves when its socket is there.
   *
   * @throws when the binary is not built, or ends instead of listening.
   */
  static async start(socket: string): Promise<DemoListener> {
    if (!existsSync(BINARY)) throw new Error('there is no dist/pgturret: run `make build`')
    // The folder around the socket lets only the server's account in; the mode lets that account connect.
    const journal = join(dirname(socket), 'journal')
    const options = ['--socket', socket, '--socket-mode', '0666', '--journal', journal, '--format', 'pretty']
    const child = Bun.spawn(detached([BINARY, 'listen', ...options], 'TERM'), {
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
      env: withoutSettings(process.env),
    })
    const listener = new DemoListener(child)
    await waitUntil(
      () => existsSync(socket) || !listener.isRunning,
      Boolean,
      `the listener's socket ${socket}`,
    )
    if (!listener.isRunning)
      throw new Error(`pgturret listen ended with code ${child.exitCode} instead of listening`)
    return listener
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Rejects when it ends; it is not meant to before `stop`. */
  async untilDeath(): Promise<never> {
    const code = await this.#child.exited
    throw new Error(`pgturret listen ended with code ${code}`)
  }

  /** Lets it write what it has, and resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.isRunning) signal(this.#child.pid, 'SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), DRAIN_MS)
    await this.#child.exited
    clearTimeout(late)
  }
}

/** The environment without settings of the person's own listener. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PGTURRET_')))
}
