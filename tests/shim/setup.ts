/** A server with the shim, and the path on which its listener is expected. */

import { afterAll, setDefaultTimeout } from 'bun:test'
import { join } from 'node:path'
import { installation } from '../../scripts/postgres/installation.ts'
import { Cluster, type ClusterOptions } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'
import { Listener } from './listener.ts'

/** Major version of the server that these tests run on. */
export const { major } = installation()

export interface Shim {
  cluster: Cluster
  listener: Listener
}

/** Makes a server that is not started yet, and a listener that does not listen yet. */
export async function shim(options: ClusterOptions = {}): Promise<Shim> {
  // Servers start, crash and recover in these tests. It holds for one test file, so it is said here and not above.
  setDefaultTimeout(60_000)
  const cluster = await Cluster.create({ ...options, shim: true })
  const path = join(cluster.dir, 'log.sock')
  cluster.set('pgturret.socket', path)
  const listener = new Listener(path)
  afterAll(async () => {
    listener.close()
    await cluster.remove()
  })
  return { cluster, listener }
}

/** Waits until a message of this text has come. */
export async function arrival(listener: Listener, text: string | RegExp, timeoutMs = 20_000): Promise<void> {
  const wanted = (message: string) => (typeof text === 'string' ? message.includes(text) : text.test(message))
  let seen = 0
  const arrived = () => {
    const fresh = listener.messages.slice(seen)
    seen += fresh.length
    return fresh.some(wanted)
  }
  await waitUntil(arrived, Boolean, `a record "${text}"`, { timeoutMs })
}

/** Messages that contain a text, in order. */
export function matching(listener: Listener, text: string): string[] {
  return listener.messages.filter((message) => message.includes(text))
}

/** SQL that logs `count` numbered lines of the given level. */
export function burst(tag: string, count: number, level = 'LOG', padding = 0): string {
  return `DO $$ BEGIN FOR i IN 1..${count} LOOP
    RAISE ${level} '${tag} % %', i, repeat('x', ${padding}); END LOOP; END $$;`
}

export interface Stat {
  emitted: number
  delivered: number
  acknowledged: number
  held: number
  dropped: number
  connected: string
}

/** The one row of pgturret_stat. */
export async function stat(cluster: Cluster): Promise<Stat> {
  const row = await cluster.query(
    'SELECT emitted, delivered, acknowledged, held, dropped, connected FROM pgturret_stat',
  )
  const [emitted, delivered, acknowledged, held, dropped, connected = ''] = row.split('|')
  return {
    emitted: Number(emitted),
    delivered: Number(delivered),
    acknowledged: Number(acknowledged),
    held: Number(held),
    dropped: Number(dropped),
    connected,
  }
}

/** That sequences rise by one, drops counted, within one ring; returns how many were received. */
export function unbroken(listener: Listener): bigint[] {
  return listener.records
    .slice(1)
    .map(({ sequence }, index) => sequence - listener.records[index]!.sequence)
    .filter((step) => step !== 1n)
}
