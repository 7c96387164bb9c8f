import { expect } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { controlPath } from '../../src/observe/control.ts'
import { readStatus } from '../../src/observe/read-status.ts'
import type { ExporterSnapshot } from '../../src/observe/snapshot.ts'
import { feed } from '../support/feed.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { waitUntil } from '../support/wait-until.ts'
import { Account, type Arrival, RECORDS, recording } from './account.ts'
import { plague, spoil, type Victim } from './faults.ts'
import type { Running } from './service.ts'
import { ToxicProxy } from './services/toxiproxy.ts'

/**
 * The proof that each destination is put to: 100,000 records to the compiled listener, which sends them on through a network
 * that is slow, narrow, resets, cuts and swallows answers, to a server that is killed twice on the way.
 */

/** What a case is called. */
export const PROOF = '100,000 records through a faulty network, the server killed twice: nothing is lost'
/** How long one may take. */
export const PROOF_MS = 180_000
/** How long the last records may take. */
const LONG_MS = 120_000

/** Of what no answer came the destination may have twice: no more than this part of all. */
const REPEATS = 0.3

/** A destination, and how to see what it has. */
export interface Proven extends Pick<Victim, 'server' | 'rescue' | 'patient'> {
  /** Of its proxy. */
  readonly name: string
  /** The Toxiproxy to use. */
  readonly toxiproxy: Running
  /** Where its server listens: `127.0.0.1:9000`. */
  readonly upstream: string
  /** Where clients connect, if the server has to know; by default any port. */
  readonly listen?: string
  /** The listener's words, for the server at an address such as `127.0.0.1:39000`. */
  readonly words: (address: string) => readonly string[]
  readonly env?: ((address: string) => Readonly<Record<string, string>>) | undefined
  /** Every record that it has, as often as it has it. */
  readonly arrived: () => Iterable<Arrival> | Promise<Iterable<Arrival>>
  /** How often records may be there that were there before; 0 where it knows again what it has. */
  readonly mostRepeats?: number
}

/** Puts a destination to the proof. */
export async function prove(proven: Proven): Promise<void> {
  const { name, toxiproxy, upstream, listen, words, env } = proven
  const proxy = await ToxicProxy.create(toxiproxy.addresses['api']!, name, upstream, listen)
  const folder = mkdtempSync('/tmp/pgturret-proof-')
  const socket = join(folder, 'log.sock')
  const own = ['--socket', socket, '--journal', join(folder, 'journal')]
  let listener: ListenerProcess | undefined
  try {
    await spoil(proxy)
    listener = await startListener([...own, ...words(proxy.address)], env?.(proxy.address))
    const seen = () => exporterOf(socket)
    await Promise.all([feed(socket, recording(), RECORDS), plague({ ...proven, proxy, seen })])
    const { delivered } = await waitUntil(seen, isSettled, 'everything to be settled', { timeoutMs: LONG_MS })
    // All that there were: none was refused, none dropped.
    expect(delivered).toBe(RECORDS)
    expect(await listener.stop()).toBe(0)
    await judge(proven)
  } catch (error) {
    throw new Error(`${(error as Error).message}\nthe listener said: ${listener?.stderr().slice(-2000)}`, {
      cause: error,
    })
  } finally {
    await listener?.kill9()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function exporterOf(socket: string): Promise<ExporterSnapshot> {
  const { snapshot, problem } = await readStatus(controlPath(socket))
  if (snapshot === undefined) throw new Error(problem)
  return snapshot.exporters[0]!
}

const isSettled = ({ position }: ExporterSnapshot): boolean => position >= RECORDS

async function judge({ arrived, mostRepeats = REPEATS * RECORDS }: Proven): Promise<void> {
  const account = new Account()
  account.take(await arrived())
  expect({ lost: account.lost, strangers: account.strangers }).toEqual({ lost: 0, strangers: [] })
  expect(account.repeated).toBeLessThanOrEqual(mostRepeats)
}
