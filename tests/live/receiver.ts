#!/usr/bin/env bun
/**
 * A vendor's API in a process of its own, which can be killed: what it has said yes to is in its file.
 *
 *     bun tests/live/receiver.ts NAME PORT FILE      one of `RECEIVERS`, on 127.0.0.1
 */

import { seenOf } from '../exporters/http-harness.ts'
import { RECEIVERS } from './receivers.ts'
import { Stored } from './stored.ts'

const [name, port, file] = process.argv.slice(2)
const answer = RECEIVERS[name!]!.receive(new Stored(file!))

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  // Whoever sent it was cut off.
  error: () => new Response('', { status: 500 }),
  fetch: async (request) => {
    const seen = await seenOf(request)
    try {
      return answer(seen)
    } catch (error) {
      return new Response(`broken request: ${(error as Error).message}`, { status: 400 })
    }
  },
})
