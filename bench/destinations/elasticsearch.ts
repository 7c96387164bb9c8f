#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that stores everything:
 *
 *     bun bench/destinations/elasticsearch.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret. Plain HTTP stands beside it, with batches of the same size.
 */

import { replayToServer, type Side } from './replay-to-server.ts'

const to = (port: number): string[] => ['--to', `elasticsearch://127.0.0.1:${port}`]

const SIDES: readonly Side[] = [
  ['http', (port) => ['--to', `http://127.0.0.1:${port}`, '--http-batch-bytes', '5MB']],
  ['elasticsearch', to],
  ['elasticsearch, gzip', (port) => [...to(port), '--elasticsearch-compression', 'gzip']],
]

const [records = 500_000, runs = 3] = process.argv.slice(2).map(Number)
await replayToServer(SIDES, '{"errors":false,"items":[]}', { records, runs })
