#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that takes every PutLogEvents:
 *
 *     bun bench/destinations/cloudwatch.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret.
 */

import { compare } from './over-http.ts'

const keys = ['--cloudwatch-access-key-id', 'AKIABENCH', '--cloudwatch-secret-access-key', 'bench']

const way = {
  name: 'cloudwatch',
  words: (host: string) => [
    ...['--to', 'cloudwatch://eu-central-1/bench', '--cloudwatch-endpoint', `http://${host}`],
    ...keys,
  ],
}

await compare([way], () => Response.json({ nextSequenceToken: '1' }))
