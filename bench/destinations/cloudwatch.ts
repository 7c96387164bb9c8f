#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that takes every PutLogEvents; a file beside it says what
 * encoding alone costs:
 *
 *     bun bench/destinations/cloudwatch.ts [RECORDS] [RUNS]     500,000 and 3 by default; needs dist/pgturret
 */

import { compare, Taker } from './replay-to.ts'

const records = Number(process.argv[2] ?? 500_000)
const runs = Number(process.argv[3] ?? 3)

const taker = new Taker(() => Response.json({ nextSequenceToken: '1' }))
const keys = ['--cloudwatch-access-key-id', 'AKIABENCH', '--cloudwatch-secret-access-key', 'bench']
let bytes = 0
let requests = 0

await compare(
  [
    { name: 'file', words: ['--to', 'file:///dev/null', '--format', 'json'] },
    {
      name: 'cloudwatch',
      words: ['--to', 'cloudwatch://eu-central-1/bench', '--cloudwatch-endpoint', taker.origin, ...keys],
    },
  ],
  records,
  runs,
  ({ name }) => {
    const [sent, calls] = [taker.bytes - bytes, taker.requests - requests]
    ;[bytes, requests] = [taker.bytes, taker.requests]
    return name === 'file'
      ? ''
      : `${(sent / records).toFixed(0)} bytes a record, ${(records / calls).toFixed(0)} records a call`
  },
)
await taker.stop()
