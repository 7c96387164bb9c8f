#!/usr/bin/env bun
/**
 * Records a second from a dump to a collector on this machine that takes everything:
 *
 *     bun bench/destinations/splunk.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret.
 */

import { compare, type Way } from './over-http.ts'

const way = (name: string, ...more: readonly string[]): Way => ({
  name,
  words: (host) => ['--to', `splunk://${host}`, '--splunk-token', 'bench', ...more],
})

const ways = [
  way('splunk record'),
  way('splunk record, gzip', '--splunk-compression', 'gzip'),
  way('splunk message', '--splunk-event', 'message'),
]

await compare(ways, () => Response.json({ text: 'Success', code: 0 }))
