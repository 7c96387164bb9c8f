#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that takes everything, against programs that are given the same
 * records as lines:
 *
 *     bun bench/destinations/http.ts [RECORDS] [RUNS]     1,000,000 and 3 by default
 *
 * Needs dist/pgturret; peers take part where they are installed: rsyslog with omhttp, Fluent Bit, Vector. All of them send lines
 * of JSON, 1 MB at a time, and wait for each answer.
 */

import { compare, type Way } from './over-http.ts'
import { fluentBit } from './peers/fluent-bit.ts'
import { RECORDS_AT_ONCE, rsyslog } from './peers/rsyslog.ts'
import { vector } from './peers/vector.ts'
import type { Side } from './side.ts'

const ways: readonly Way[] = [
  { name: 'http, gzip', words: (host) => ['--to', `http://${host}/`, '--http-compression', 'gzip'] },
]

/** @param parsed the JSON of a line is read and written again, as it is where a field is asked for; else it is copied */
const rsyslogOver = (name: string, parsed: boolean): Side =>
  rsyslog({
    name,
    module: 'omhttp',
    from: 'Debian: rsyslog-http, not before 14; else built from its sources with --enable-omhttp',
    parsed,
    templates: 'template(name="fields" type="string" string="%$!all-json-plain%")',
    action: (host) => {
      const [server, port] = host.split(':')
      return `server="${server}" serverport="${port}" useHttps="off" restpath="" checkpath=""
    batch="on" batch.format="newline" batch.maxsize="${RECORDS_AT_ONCE}" batch.maxbytes="1m" template="${parsed ? 'fields' : 'line'}"`
    },
  })

const peers = [
  rsyslogOver('rsyslog, copied', false),
  rsyslogOver('rsyslog, parsed', true),
  fluentBit('fluent-bit', true, (host) => {
    const [address, port] = host.split(':')
    return { name: 'http', host: address!, port: port!, format: 'json_lines', json_date_key: false }
  }),
  vector('vector', false, (host) => ({
    ...{ type: 'http', uri: `http://${host}/`, method: 'post', batch: { max_bytes: 1_000_000 } },
    ...{ encoding: { codec: 'text' }, framing: { method: 'newline_delimited' } },
  })),
]

await compare(ways, () => new Response(''), { peers, linesOfRecord: () => 1, records: 1_000_000 })
