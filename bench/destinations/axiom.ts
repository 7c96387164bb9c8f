#!/usr/bin/env bun
/**
 * Records a second from a dump to a server that answers as Axiom does:
 *
 *     bun bench/destinations/axiom.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret.
 */

import { compare, type Way } from './over-http.ts'

const way = (compression: string): Way => ({
  name: `axiom ${compression}`,
  words: (host) => [
    ...['--to', `axiom+http://${host}/pg`, '--axiom-token', 'xaat-1'],
    ...['--axiom-compression', compression],
  ],
})

await compare(['none', 'gzip', 'zstd'].map(way), () =>
  Response.json({ ingested: 1, failed: 0, failures: [] }),
)
