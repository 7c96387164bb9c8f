#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that stores everything, against programs that are given the same
 * records as lines:
 *
 *     bun bench/destinations/elasticsearch.ts [RECORDS] [RUNS]     1,000,000 and 3 by default
 *
 * Needs dist/pgturret; peers take part where they are installed: rsyslog with omelasticsearch, Fluent Bit, Vector. Everybody
 * creates documents with the record's `uid` as `_id`, so that what is sent again is stored once, and rsyslog once without;
 * pgturret makes documents of the Elastic Common Schema, the others pass on the line's fields. Plain HTTP stands beside it, also
 * with batches of the same size.
 */

import { compare, type Way } from './over-http.ts'
import { fluentBit } from './peers/fluent-bit.ts'
import { rsyslog } from './peers/rsyslog.ts'
import { vector } from './peers/vector.ts'
import { against, type Side } from './side.ts'

const INDEX = 'logs-postgresql.log-default'

const ways: readonly Way[] = [
  { name: 'http, 5 MB', words: (host) => ['--to', `http://${host}/`, '--http-batch-bytes', '5MB'] },
  { name: 'elasticsearch', words: (host) => ['--to', `elasticsearch://${host}`] },
  {
    name: 'elasticsearch, gzip',
    words: (host) => ['--to', `elasticsearch://${host}`, '--elasticsearch-compression', 'gzip'],
  },
]

/** @param identified with the record's `uid` as `_id`, for which the line has to be parsed */
const rsyslogInto = (name: string, identified: boolean): Side =>
  rsyslog({
    name,
    module: 'omelasticsearch',
    from: 'Debian: rsyslog-elasticsearch',
    parsed: identified,
    templates: 'template(name="uid" type="string" string="%$!uid%")',
    action: (host) => {
      const [server, port] = host.split(':')
      const id = identified ? 'dynBulkId="on" bulkId="uid" writeOperation="create"' : ''
      return `server="${server}" serverport="${port}" template="line" bulkmode="on" maxbytes="5m"
    searchIndex="${INDEX}" searchType="" ${id}`
    },
  })

const peers = against('elasticsearch', [
  rsyslogInto('rsyslog', true),
  rsyslogInto('rsyslog, no _id', false),
  fluentBit('fluent-bit', true, (host) => {
    const [address, port] = host.split(':')
    return {
      ...{ name: 'es', host: address!, port: port!, index: INDEX, suppress_type_name: true },
      ...{ id_key: 'uid', write_operation: 'create' },
    }
  }),
  vector('vector', true, (host) => ({
    ...{ type: 'elasticsearch', endpoints: [`http://${host}`], api_version: 'v8', id_key: 'uid' },
    ...{ bulk: { action: 'create', index: INDEX }, batch: { max_bytes: 5_000_000 } },
  })),
])

await compare(ways, () => Response.json({ errors: false, items: [] }), {
  peers,
  linesOfRecord: ({ pathname }) => (pathname.endsWith('/_bulk') ? 2 : 1),
  records: 1_000_000,
})
