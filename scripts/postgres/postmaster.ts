/** One run of a server's main process: start it, learn when it is ready, end it and all of its children. */

import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../wait-until.ts'
import { asAccount, detached, isAlive, processesOf, signal } from './processes.ts'

/** How a server is asked to end, in PostgreSQL's words. */
export type StopMode = 'smart' | 'fast' | 'immediate'

const STOP_SIGNAL = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const

/** A postmaster that this process started. */
export class Postmaster {
  readonly #child: Bun.Subprocess
  readonly #executable: string
  readonly #dataDir: string
  readonly #logFile: string

  /** Starts it; what it writes to standard error is appended to the log file. */
  constructor(executable: string, dataDir: string, logFile: string) {
    this.#executable = executable
    this.#dataDir = dataDir
    this.#logFile = logFile
    const log = openSync(logFile, 'a', 0o600)
    this.#child = Bun.spawn(asAccount(detached([executable, '-D', dataDir], 'INT')), {
      cwd: dataDir,
      stdin: 'ignore',
      stdout: log,
      stderr: log,
      env: { PATH: process.env['PATH'] ?? '', HOME: dataDir, LC_ALL: 'C', TZ: 'UTC' },
    })
    closeSync(log)
  }

  get pid(): number {
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /**
   * Resolves when connections are accepted (a hot standby included).
   *
   * @throws with the end of the server's log when it ended instead.
   */
  async ready(timeoutMs: number): Promise<void> {
    const look = () => (this.isRunning ? this.#status() : 'ended')
    const done = (status: string) => status === 'ready' || status === 'standby' || status === 'ended'
    const status = await waitUntil(look, done, `the server in ${this.#dataDir} to be ready`, { timeoutMs })
    if (status === 'ended') throw new Error(`PostgreSQL did not start:\n${lastLines(this.#logFile, 20)}`)
  }

  /** The eighth line of postmaster.pid, where the server says how far it has come; pg_ctl reads it as well. */
  #status(): string {
    const lines = readFileSync(join(this.#dataDir, 'postmaster.pid'), 'utf8').split('\n')
    return Number(lines[0]) === this.pid ? (lines[7] ?? '').trim() : 'not written yet'
  }

  /** Asks it to end and resolves when it and its children are gone; what does not end in time is killed. */
  async stop(mode: StopMode, timeoutMs: number): Promise<void> {
    if (this.isRunning) signal(this.pid, STOP_SIGNAL[mode])
    await this.gone(timeoutMs)
    this.kill()
    await this.gone(5_000)
    await this.#child.exited
  }

  /** Kills the postmaster alone; its children find out by themselves. */
  async kill9(): Promise<void> {
    signal(this.pid, 'SIGKILL')
    await this.#child.exited
  }

  /** Kills it and all of its children at once, without waiting. */
  kill(): void {
    if (this.isRunning) signal(this.pid, 'SIGKILL')
    for (const pid of processesOf(this.#executable, this.#dataDir)) signal(pid, 'SIGKILL')
  }

  /** Resolves when neither it nor a child of it is left, or when the time is over. */
  async gone(timeoutMs: number): Promise<void> {
    const left = () => [
      ...(this.isRunning ? [this.pid] : []),
      ...processesOf(this.#executable, this.#dataDir),
    ]
    const none = () => !left().some(isAlive)
    await waitUntil(none, Boolean, 'the server to end', { timeoutMs }).catch(() => undefined)
  }
}

/** The last lines of a file, or a note that it cannot be read. */
export function lastLines(file: string, count: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
  } catch {
    return `(${file} cannot be read)`
  }
}
