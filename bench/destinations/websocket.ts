#!/usr/bin/env bun
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BINARY } from '../../tests/support/binary.ts'
import { freePort } from '../../tests/support/free-port.ts'
import { writeDump } from '../generator.ts'
import { type Cost, measure, median } from '../measure.ts'

/**
 * Records a second from a dump to a WebSocket server on this machine that reads everything, and to viewers; a file beside
 * it says what encoding alone costs:
 *
 *     bun bench/destinations/websocket.ts [RECORDS] [RUNS]     500,000 and 3 by default; needs dist/pgturret
 */

const records = Number(process.argv[2] ?? 500_000)
const runs = Number(process.argv[3] ?? 3)

let bytes = 0
const acknowledgement = /^\{"sequence":(\d+),/
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request, own) => (own.upgrade(request) ? undefined : new Response('', { status: 426 })),
  websocket: {
    perMessageDeflate: true,
    message(socket, text) {
      bytes += text.length
      const sequence = acknowledgement.exec(String(text))?.[1]
      if (sequence !== undefined) socket.send(`{"acknowledged":${sequence}}`)
    },
  },
})

const to = ['--to', `ws://127.0.0.1:${server.port}/`]
const viewed = freePort()
const listening = ['--to', `ws-listen://127.0.0.1:${viewed}`]

interface Way {
  readonly name: string
  readonly words: readonly string[]
  /** Queries of viewers that connect once there is somebody. */
  readonly viewers?: readonly string[]
}

const ways: readonly Way[] = [
  { name: 'file', words: ['--to', 'file:///dev/null', '--format', 'json'] },
  { name: 'acknowledged', words: to },
  { name: 'not acknowledged', words: [...to, '--websocket-acknowledge', 'none'] },
  { name: 'acknowledged, deflate', words: [...to, '--websocket-deflate'] },
  { name: 'nobody looks on', words: listening },
  { name: 'one viewer', words: listening, viewers: [''] },
  { name: 'ten viewers of errors', words: listening, viewers: Array(10).fill('?level=ERROR') },
]

/** Connects again until it is told to end; counts what it is shown. */
function look(query: string): { end(): void; shown(): number } {
  let ended = false
  let shown = 0
  let socket: WebSocket
  const connect = () => {
    socket = new WebSocket(`ws://127.0.0.1:${viewed}/${query}`)
    socket.addEventListener('message', ({ data }) => {
      shown += (data as string).length
    })
    socket.addEventListener('close', () => {
      if (!ended) setTimeout(connect, 10)
    })
  }
  connect()
  return {
    end: () => {
      ended = true
      socket.close()
    },
    shown: () => shown,
  }
}

async function run({ words, viewers = [] }: Way, dump: string): Promise<{ cost: Cost; shown: number }> {
  const looking = viewers.map(look)
  try {
    const cost = await measure([BINARY, 'replay', dump, ...words])
    return { cost, shown: looking.reduce((sum, one) => sum + one.shown(), 0) }
  } finally {
    for (const one of looking) one.end()
  }
}

const folder = mkdtempSync('/tmp/pgturret-bench-')
const costs = new Map<Way, Cost[]>()
const notes = new Map<Way, string>()
try {
  const dump = join(folder, 'pg.febe')
  const fd = openSync(dump, 'w')
  writeDump(fd, records)
  closeSync(fd)
  for (let round = 0; round < runs; round++) {
    for (const way of ways) {
      const before = bytes
      const { cost, shown } = await run(way, dump)
      costs.set(way, [...(costs.get(way) ?? []), cost])
      notes.set(way, `${((bytes - before + shown) / records).toFixed(0)} bytes a record`)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
  await server.stop(true)
}
for (const [way, of] of costs) {
  const rate = Math.round(records / median(of.map(({ wall }) => wall))).toLocaleString('en-US')
  const cpu = median(of.map((one) => one.cpu)).toFixed(1)
  const peak = Math.max(...of.map(({ peakMiB }) => peakMiB)).toFixed(0)
  console.log(
    `${way.name.padEnd(22)}${rate.padStart(9)} records/s  ${cpu} s CPU  ${peak} MiB  ${notes.get(way)}`,
  )
}
