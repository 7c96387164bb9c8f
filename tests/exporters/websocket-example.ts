import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { Harness, Received, Target } from './conformance.ts'

const PAGE = join(import.meta.dir, '../../docs/destinations/websocket.md')

/** The server that docs/destinations/websocket.md shows, as it stands there, in a process of its own. */
export class ExampleServer implements Harness {
  readonly port = freePort()
  readonly #folder = mkdtempSync(join(tmpdir(), 'pgturret-websocket-'))
  #child: Bun.Subprocess | undefined

  static async start(): Promise<ExampleServer> {
    const server = new ExampleServer()
    const code = /^```ts\n(.*?)^```$/ms.exec(readFileSync(PAGE, 'utf8'))![1]!
    writeFileSync(join(server.#folder, 'server.ts'), code)
    await server.restart()
    return server
  }

  target(): Target {
    return { to: `ws://127.0.0.1:${this.port}/` }
  }

  /** By its own file: whole batches. */
  received(): readonly Received[] {
    return this.records()
  }

  /** The same, whole. */
  records(): readonly (Received & { readonly uid: string })[] {
    const lines = readFileSync(join(this.#folder, 'batches.ndjson'), 'utf8').split('\n')
    return lines
      .filter((line) => line.endsWith('\r'))
      .flatMap((line) => (JSON.parse(line) as { records: (Received & { uid: string })[] }).records)
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#child?.exited
  }

  async restart(): Promise<void> {
    this.#child = Bun.spawn([process.execPath, 'server.ts'], {
      cwd: this.#folder,
      env: { PORT: String(this.port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await waitUntil(
      () => fetch(`http://127.0.0.1:${this.port}/`),
      ({ status }) => status === 426,
      'the example to listen',
    )
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
