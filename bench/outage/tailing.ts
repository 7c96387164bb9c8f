import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PeerProcess } from '../peer-process.ts'
import { recordIds, recordLine } from '../record.ts'
import { HttpSink } from '../sinks.ts'
import type { Agent } from './run.ts'
import { Tally } from './tally.ts'

/** A program that follows a file of jsonlog lines and POSTs them, with all settings at their defaults. */
export class Tailing implements Agent {
  readonly name: string
  readonly tally = new Tally()
  readonly sink = new HttpSink((text) => this.tally.take(recordIds(text)))
  readonly patience = 60
  readonly #lines: string
  readonly #command: readonly string[]
  #process: PeerProcess | undefined

  private constructor(name: string, folder: string, configure: (lines: string, port: number) => string) {
    this.name = name
    this.#lines = join(folder, 'lines.json')
    const config = join(folder, name === 'vector' ? 'vector.toml' : 'fluent-bit.conf')
    this.#command = [name, name === 'vector' ? '--config' : '-c', config]
    mkdirSync(join(folder, 'work'))
    writeFileSync(this.#lines, '')
    writeFileSync(config, configure(this.#lines, this.sink.port))
  }

  /** Fluent Bit: tail, with the database that remembers its place, to http. */
  static fluentBit(folder: string): Tailing {
    return new Tailing(
      'fluent-bit',
      folder,
      (lines, port) => `[INPUT]
    name tail
    path ${lines}
    db ${join(folder, 'work', 'tail.db')}
    read_from_head on
[OUTPUT]
    name http
    match *
    host 127.0.0.1
    port ${port}
    format json_lines
`,
    )
  }

  /** Vector: file to http. */
  static vector(folder: string): Tailing {
    return new Tailing(
      'vector',
      folder,
      (lines, port) => `data_dir = "${join(folder, 'work')}"
[sources.lines]
type = "file"
include = ["${lines}"]
[sinks.out]
type = "http"
inputs = ["lines"]
uri = "http://127.0.0.1:${port}/"
encoding.codec = "json"
framing.method = "newline_delimited"
`,
    )
  }

  async start(): Promise<void> {
    this.#process = new PeerProcess(this.#command)
    // Neither says when it is ready; what is written before is found in the file.
    await this.#process.ready(() => true, `${this.name} to start`)
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
