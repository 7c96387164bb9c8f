import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'

/** `pgturret tail` as a process: what records are shown is what stands on its standard output. */

const MAIN = join(import.meta.dir, '../../src/cli/main.ts')

/** A tail that runs. */
export class TailProcess {
  readonly #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  #stdout = ''
  #stderr = ''

  constructor(words: readonly string[]) {
    const command = [process.execPath, MAIN, 'tail', ...words]
    this.#child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
    void collect(this.#child.stdout, (text) => {
      this.#stdout += text
    })
    void collect(this.#child.stderr, (text) => {
      this.#stderr += text
    })
  }

  /** Stands still from now on. */
  halt(): void {
    this.#child.kill('SIGSTOP')
  }

  /** Goes on. */
  resume(): void {
    this.#child.kill('SIGCONT')
  }

  get stdout(): string {
    return this.#stdout
  }

  /** Messages of records that were shown as JSON. */
  get messages(): string[] {
    return this.#stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).message)
  }

  /** What it said itself. */
  get said(): string[] {
    return this.#stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line).message)
  }

  async untilShown(text: string): Promise<void> {
    await waitUntil(
      () => ({ ends: this.#stdout.slice(-2000), said: this.#stderr, code: this.#child.exitCode }),
      () => this.#stdout.includes(text),
      `"${text}" to be shown`,
      { timeoutMs: 30_000 },
    )
  }

  async untilSaid(text: string): Promise<void> {
    await waitUntil(
      () => this.said,
      (said) => said.some((one) => one.includes(text)),
      `"${text}" to be said`,
    )
  }

  /** Presses Ctrl-C; returns the exit status. */
  interrupt(): Promise<number> {
    this.#child.kill('SIGINT')
    return this.#child.exited
  }

  get exited(): Promise<number> {
    return this.#child.exited
  }

  /** Ends it, whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#child.exited
  }
}

async function collect(stream: ReadableStream<Uint8Array>, put: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) put(decoder.decode(chunk, { stream: true }))
}
