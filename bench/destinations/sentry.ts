#!/usr/bin/env bun
/**
 * Records a second from a dump to a server that answers as Sentry does:
 *
 *     bun bench/destinations/sentry.ts [RECORDS] [RUNS]     500,000 and 3 by default
 *
 * Needs dist/pgturret. Two of a hundred records are errors: `default` sends a hundred of them a second as events, `events`
 * ten thousand a second, each in a request of its own.
 */

import { compare, type Way } from './over-http.ts'

const way = (name: string, ...words: string[]): Way => ({
  name: `sentry ${name}`,
  words: (host) => ['--to', `sentry+http://key@${host}/42`, ...words],
})

await compare(
  [
    way('default'),
    way('not compressed', '--sentry-compression', 'none'),
    way('events', '--sentry-events-per-second', '10000'),
    way('no events', '--sentry-events', 'none'),
    way('SQL and PII', '--sentry-include-sql', '--sentry-send-default-pii'),
  ],
  () => Response.json({}),
)
