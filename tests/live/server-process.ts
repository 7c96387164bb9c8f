import { closeSync, openSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { detached, signal } from '../../scripts/postgres/processes.ts'
import { beforeRemoval } from '../../scripts/postgres/workspace.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { Running } from './service.ts'

/** How to start a server. */
export interface ServerCommand {
  readonly words: readonly string[]
  /** Made and removed by somebody else; what it writes to its outputs goes to `server.log` there. */
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
  readonly addresses: Readonly<Record<string, string>>
  /** Whether it answers. */
  readonly answers: () => Promise<boolean>
  /** How long it may take until it answers; half a minute by default. */
  readonly startMs?: number
}

const START_MS = 30_000
/** How long it may take to end when it is asked to. */
const END_MS = 5_000

/** A server that is one process. It ends with this one, however that happens. */
export class ServerProcess implements Running {
  readonly addresses: Readonly<Record<string, string>>
  readonly #command: ServerCommand
  readonly #forget: () => void
  #child: Bun.Subprocess | undefined

  private constructor(command: ServerCommand) {
    this.#command = command
    this.addresses = command.addresses
    this.#forget = beforeRemoval(() => this.#signal('SIGKILL'))
  }

  /** Resolves when it answers. */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    const server = new ServerProcess(command)
    try {
      await server.restart()
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error('the server does not run')
    return this.#child.pid
  }

  async restart(): Promise<void> {
    const { words, folder, env, answers, startMs = START_MS } = this.#command
    await this.kill()
    const log = openSync(join(folder, 'server.log'), 'a')
    const child = Bun.spawn(detached([...words], 'TERM'), {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, ...env },
      stdin: 'ignore',
      stdout: log,
      stderr: log,
    })
    closeSync(log)
    this.#child = child
    const ended = () => child.exitCode !== null || child.signalCode !== null
    await waitUntil(
      async () => ended() || (await answers()),
      (there) => there,
      `${words[0]} to answer`,
      {
        timeoutMs: startMs,
      },
    )
    if (ended())
      throw new Error(`${words[0]} ended: ${readFileSync(join(folder, 'server.log'), 'utf8').slice(-1000)}`)
  }

  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#child?.exited
    this.#child = undefined
  }

  async stop(): Promise<void> {
    this.#signal('SIGTERM')
    const gone = this.#child?.exited
    if (gone !== undefined) await Promise.race([gone, Bun.sleep(END_MS)])
    await this.kill()
    this.#forget()
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#child !== undefined) signal(this.#child.pid, name)
  }
}

/** Whether an HTTP server answers at all, whatever it says. */
export async function answersHttp(url: string, init: BunFetchRequestInit = {}): Promise<boolean> {
  try {
    await (await fetch(url, { ...init, signal: AbortSignal.timeout(1000) })).body?.cancel()
    return true
  } catch {
    return false
  }
}

/** Whether somebody listens on a port of 127.0.0.1. */
export const connects = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
