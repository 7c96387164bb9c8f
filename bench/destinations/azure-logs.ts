#!/usr/bin/env bun
/**
 * Records a second from a dump to a server on this machine that takes every row:
 *
 *     bun bench/destinations/azure-logs.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret.
 */

import { compare } from './over-http.ts'

const URL_OF_RULE = `azure-logs:///dataCollectionRules/dcr-${'0'.repeat(32)}/streams/Custom-PostgreSQL`

const way = {
  name: 'azure-logs',
  words: (host: string) => ['--to', URL_OF_RULE, '--azure-logs-endpoint', `http://${host}`],
  env: (host: string) => ({ IDENTITY_ENDPOINT: `http://${host}/token`, IDENTITY_HEADER: 'bench' }),
}

/** Takes rows, and gives out tokens as App Service does. */
const answer = ({ pathname }: URL): Response =>
  pathname === '/token'
    ? Response.json({
        access_token: 'bench',
        expires_on: Math.floor(Date.now() / 1000) + 86_400,
        resource: 'https://monitor.azure.com',
        token_type: 'Bearer',
      })
    : new Response(null, { status: 204 })

await compare([way], answer)
