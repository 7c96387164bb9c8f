#!/usr/bin/env bun
/**
 * Records a second from a dump to a collector on this machine that takes everything:
 *
 *     bun bench/destinations/splunk.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret. Plain HTTP with the same batches stands beside it: what the envelope costs is the difference.
 */

import { replayToServer, type Side } from './replay-to-server.ts'

const to = (port: number): string[] => ['--to', `splunk://127.0.0.1:${port}`, '--splunk-token', 'bench']

const SIDES: readonly Side[] = [
  ['http', (port) => ['--to', `http://127.0.0.1:${port}`]],
  ['splunk record', to],
  ['splunk record, gzip', (port) => [...to(port), '--splunk-compression', 'gzip']],
  ['splunk message', (port) => [...to(port), '--splunk-event', 'message']],
]

const [records = 500_000, runs = 3] = process.argv.slice(2).map(Number)
await replayToServer(SIDES, '{"text":"Success","code":0}', { records, runs })
