#!/usr/bin/env bun
/**
 * Records a second from a dump to a server that answers as an OpenTelemetry Collector does:
 *
 *     bun bench/destinations/otlp.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret.
 */

import { compare, type Way } from './over-http.ts'

const way = (protocol: string, compression: string): Way => ({
  name: `otlp ${protocol === 'http/json' ? 'json' : 'protobuf'}${compression === 'none' ? '' : ` ${compression}`}`,
  words: (host) => [
    ...['--to', `otlp://${host}`, '--otlp-protocol', protocol],
    ...['--otlp-compression', compression],
  ],
})

const ways = [way('http/protobuf', 'none'), way('http/protobuf', 'gzip'), way('http/json', 'none')]

await compare(
  ways,
  () => new Response(new Uint8Array(0), { headers: { 'Content-Type': 'application/x-protobuf' } }),
)
