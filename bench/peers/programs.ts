import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BINARY } from '../../tests/support/binary.ts'
import { rsyslogCommand } from '../peer-process.ts'

/** A program that takes records from a socket and writes them to a file. */
export interface Program {
  readonly name: string
  readonly command: readonly string[]
  /** Where it takes them: the path of a unix socket, or `127.0.0.1:PORT`. */
  readonly address: string
  /** What it is fed with. */
  readonly input: 'frames' | 'lines'
}

/** Makes a program's folder ready: its socket and its files are there, and it writes to `out`. */
export type Maker = (folder: string, out: string) => Program

/** All that can be had on this machine; the first is what the others are compared with. */
export function makers(): Maker[] {
  const all: Maker[] = [pgturret]
  if (Bun.which('rsyslogd')) all.push(raw, parsed, diskAssisted, disk)
  if (Bun.which('fluent-bit')) all.push(fluentBit)
  if (Bun.which('vector')) all.push(vector)
  return all
}

const pgturret: Maker = (folder, out) => {
  const address = join(folder, 'log.sock')
  const journal = join(folder, 'journal')
  return {
    name: 'pgturret: journal, synced every 100 ms',
    command: [BINARY, 'listen', '--socket', address, '--journal', journal, '--to', `file://${out}`],
    address,
    input: 'frames',
  }
}

/** @param rules what becomes of a line; `%out%` is the file */
const rsyslog =
  (name: string, queue: string, rules: string): Maker =>
  (folder, out) => {
    const address = join(folder, 'log.sock')
    const config = join(folder, 'rsyslog.conf')
    const work = join(folder, 'work')
    mkdirSync(work)
    writeFileSync(
      config,
      `global(workDirectory="${work}")
module(load="imptcp")
module(load="mmjsonparse")
template(name="raw" type="string" string="%rawmsg%\\n")
template(name="json" type="string" string="%$!all-json%\\n")
ruleset(name="in" ${queue}) {
  ${rules.replace('%out%', out)}
}
input(type="imptcp" path="${address}" unlink="on" ruleset="in")
`,
    )
    return { name, command: rsyslogCommand(config, join(folder, 'pid')), address, input: 'lines' }
  }

const PARSE = `action(type="mmjsonparse" cookie="" useRawMsg="on")
  action(type="omfile" file="%out%" template="json")`

const raw = rsyslog('rsyslog: copied as it is', '', 'action(type="omfile" file="%out%" template="raw")')
const parsed = rsyslog('rsyslog: mmjsonparse', '', PARSE)
const diskAssisted = rsyslog(
  'rsyslog: mmjsonparse, disk-assisted',
  'queue.type="LinkedList" queue.filename="q" queue.maxDiskSpace="2g" queue.saveOnShutdown="on"',
  PARSE,
)
const disk = rsyslog('rsyslog: mmjsonparse, disk queue', 'queue.type="Disk" queue.filename="q"', PARSE)

const PORT = 24_224

const fluentBit: Maker = (folder, out) => {
  const config = join(folder, 'fluent-bit.conf')
  writeFileSync(
    config,
    `[SERVICE]
    storage.path ${join(folder, 'storage')}
[INPUT]
    name tcp
    listen 127.0.0.1
    port ${PORT}
    format json
    storage.type filesystem
[OUTPUT]
    name file
    match *
    file ${out}
    format plain
`,
  )
  const address = `127.0.0.1:${PORT}`
  return {
    name: 'fluent-bit: filesystem storage',
    command: ['fluent-bit', '-c', config],
    address,
    input: 'lines',
  }
}

const vector: Maker = (folder, out) => {
  const config = join(folder, 'vector.toml')
  const address = join(folder, 'log.sock')
  const data = join(folder, 'data')
  mkdirSync(data)
  writeFileSync(
    config,
    `data_dir = "${data}"
[sources.in]
type = "socket"
mode = "unix_stream"
path = "${address}"
decoding.codec = "json"
[sinks.out]
type = "file"
inputs = ["in"]
path = "${out}"
encoding.codec = "json"
[sinks.out.buffer]
type = "disk"
max_size = 2147483648
`,
  )
  return { name: 'vector: disk buffer', command: ['vector', '--config', config], address, input: 'lines' }
}
