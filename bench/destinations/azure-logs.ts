#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that takes every row; a file beside it says what encoding alone
 * costs:
 *
 *     bun bench/destinations/azure-logs.ts [RECORDS] [RUNS]     500,000 and 3 by default; needs dist/pgturret
 */

import { compare, Taker } from './replay-to.ts'

const records = Number(process.argv[2] ?? 500_000)
const runs = Number(process.argv[3] ?? 3)

/** Takes rows, and gives out tokens as App Service does. */
const taker = new Taker((url) =>
  url.pathname === '/token'
    ? Response.json({
        access_token: 'bench',
        expires_on: Math.floor(Date.now() / 1000) + 86_400,
        resource: 'https://monitor.azure.com',
        token_type: 'Bearer',
      })
    : new Response(null, { status: 204 }),
)
const env = { IDENTITY_ENDPOINT: `${taker.origin}/token`, IDENTITY_HEADER: 'bench' }
let bytes = 0
let requests = 0

const url = `azure-logs:///dataCollectionRules/dcr-${'0'.repeat(32)}/streams/Custom-PostgreSQL`
await compare(
  [
    { name: 'file', words: ['--to', 'file:///dev/null', '--format', 'json'] },
    { name: 'azure-logs', words: ['--to', url, '--azure-logs-endpoint', taker.origin], env },
  ],
  records,
  runs,
  ({ name }) => {
    const [sent, calls] = [taker.bytes - bytes, taker.requests - requests]
    ;[bytes, requests] = [taker.bytes, taker.requests]
    return name === 'file'
      ? ''
      : `${(sent / records).toFixed(0)} bytes a record, compressed; ${(records / calls).toFixed(0)} records a call`
  },
)
await taker.stop()
