import { waitUntil } from '../scripts/wait-until.ts'

/** A program that runs for as long as it is wanted. */
export class PeerProcess {
  readonly child: Bun.Subprocess<'ignore', 'ignore', 'pipe'>
  #said = ''

  /** Starts it; what it says on standard error is kept for messages. */
  constructor(command: readonly string[]) {
    this.child = Bun.spawn([...command], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
    void this.#listen()
  }

  /**
   * Resolves when a condition holds.
   *
   * @throws when it ends instead, with what it said
   */
  async ready(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 10_000): Promise<void> {
    const look = async () => ({ holds: await condition(), ended: this.child.exitCode })
    const done = ({ holds, ended }: Awaited<ReturnType<typeof look>>) => holds || ended !== null
    const { ended } = await waitUntil(look, done, what, { timeoutMs })
    if (ended !== null) throw new Error(`${what}: it ended with ${ended}: ${this.#said}`)
  }

  /** Sends a signal and resolves when it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal)
    await this.child.exited
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of this.child.stderr) {
      this.#said = (this.#said + decoder.decode(chunk, { stream: true })).slice(-4096)
    }
  }
}

/** How rsyslog is started with a configuration of its own: nothing of the system's is read or written. */
export const rsyslogCommand = (config: string, pidFile: string): string[] => [
  'rsyslogd',
  '-n',
  '-f',
  config,
  '-i',
  pidFile,
]
