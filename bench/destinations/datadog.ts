#!/usr/bin/env bun
/**
 * Records a second from a dump to a server that answers as Datadog does:
 *
 *     bun bench/destinations/datadog.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret. The dump's records are old: their times are renamed on the way, as Datadog would lose them otherwise.
 */

import { compare, type Way } from './over-http.ts'

const way = (compression: string): Way => ({
  name: `datadog ${compression}`,
  words: (host) => [
    ...['--to', `datadog+http://${host}`, '--datadog-api-key', 'key'],
    ...['--datadog-compression', compression],
  ],
})

await compare(['none', 'gzip', 'zstd'].map(way), () => Response.json({}, { status: 202 }))
