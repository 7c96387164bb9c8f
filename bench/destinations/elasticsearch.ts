#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that stores everything:
 *
 *     bun bench/destinations/elasticsearch.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret. Plain HTTP stands beside it, also with batches of the same size.
 */

import { compare, type Way } from './over-http.ts'

const ways: readonly Way[] = [
  { name: 'http, 5 MB', words: (host) => ['--to', `http://${host}`, '--http-batch-bytes', '5MB'] },
  { name: 'elasticsearch', words: (host) => ['--to', `elasticsearch://${host}`] },
  {
    name: 'elasticsearch, gzip',
    words: (host) => ['--to', `elasticsearch://${host}`, '--elasticsearch-compression', 'gzip'],
  },
]

await compare(ways, () => Response.json({ errors: false, items: [] }))
