import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PeerProcess, rsyslogCommand } from '../peer-process.ts'
import { recordIds, recordLine } from '../record.ts'
import { TcpSink } from '../sinks.ts'
import type { Agent } from './run.ts'
import { Tally } from './tally.ts'

/** What rsyslog is told beyond its defaults so that it keeps what it cannot send. */
const KEEPING = `action.resumeRetryCount="-1" queue.type="LinkedList" queue.filename="action" queue.maxDiskSpace="1g" queue.saveOnShutdown="on"`

/** rsyslog that follows a file of jsonlog lines (imfile) and forwards them over TCP (omfwd). */
export class Rsyslog implements Agent {
  readonly name: string
  readonly tally = new Tally()
  readonly sink = new TcpSink((text) => this.tally.take(recordIds(text)))
  /** It looks again after 30 s. */
  readonly patience = 45
  readonly #lines: string
  readonly #pidFile: string
  readonly #config: string
  #process: PeerProcess | undefined

  /** @param keeping with unlimited retries and a disk-assisted queue, or at its defaults */
  constructor(folder: string, keeping: boolean) {
    this.name = keeping ? 'rsyslog, retry -1, disk-assisted' : 'rsyslog'
    this.#lines = join(folder, 'lines.json')
    this.#pidFile = join(folder, 'pid')
    this.#config = join(folder, 'rsyslog.conf')
    const work = join(folder, 'work')
    mkdirSync(work)
    writeFileSync(this.#lines, '')
    writeFileSync(
      this.#config,
      `global(workDirectory="${work}")
module(load="imfile")
template(name="line" type="string" string="%msg%\\n")
input(type="imfile" file="${this.#lines}" tag="postgres:")
action(type="omfwd" target="127.0.0.1" port="${this.sink.port}" protocol="tcp" template="line" ${keeping ? KEEPING : ''})
`,
    )
  }

  async start(): Promise<void> {
    this.#process = new PeerProcess(rsyslogCommand(this.#config, this.#pidFile))
    await this.#process.ready(() => existsSync(this.#pidFile), 'rsyslogd to start')
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#process?.end(signal)
  }

  emit(from: number, to: number): void {
    let text = ''
    for (let id = from; id < to; id++) text += recordLine(id)
    appendFileSync(this.#lines, text)
  }

  close(): void {}
}
