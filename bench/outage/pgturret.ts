import { join } from 'node:path'
import { type ListenerProcess, startListener } from '../../tests/support/listener-process.ts'
import { recordFrame, recordIds } from '../record.ts'
import { HttpSink } from '../sinks.ts'
import type { Agent } from './run.ts'
import { ShimSender } from './shim-sender.ts'
import { Tally } from './tally.ts'

/** `pgturret listen`, fed as the module does, to an HTTP destination; all settings are the defaults. */
export class Pgturret implements Agent {
  readonly name = 'pgturret'
  readonly tally = new Tally()
  readonly sink = new HttpSink((text) => this.tally.take(recordIds(text)))
  /** It waits 30 s at the most. */
  readonly patience = 40
  readonly #words: readonly string[]
  readonly #sender: ShimSender
  #listener: ListenerProcess | undefined

  /**
   * @param folder for its socket and its journal
   * @param own more flags
   */
  constructor(folder: string, own: readonly string[] = []) {
    const socket = join(folder, 'log.sock')
    const journal = join(folder, 'journal')
    this.#words = ['--socket', socket, '--journal', journal, '--to', this.sink.url, ...own]
    this.#sender = new ShimSender(socket)
  }

  /** Records that the sender had no room for, or that the listener never acknowledged. */
  get unsent(): number {
    return this.#sender.dropped + this.#sender.held
  }

  async start(): Promise<void> {
    this.#listener = await startListener(this.#words)
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await (signal === 'SIGKILL' ? this.#listener?.kill9() : this.#listener?.stop())
  }

  emit(from: number, to: number): void {
    for (let id = from; id < to; id++) this.#sender.offer(recordFrame(id))
    this.#sender.flush()
  }

  close(): void {
    this.#sender.close()
  }
}
