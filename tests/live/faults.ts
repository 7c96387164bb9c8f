import type { ExporterSnapshot } from '../../src/observe/snapshot.ts'
import { waitUntil } from '../support/wait-until.ts'
import { RECORDS } from './account.ts'
import type { Running } from './service.ts'
import type { Toxic, ToxicProxy } from './services/toxiproxy.ts'

/** What happens to a destination and to the way there while it is sent records. */

const LONG_MS = 120_000
/** Of a destination that tries again without counting it: looks at which it had got no further. */
const STANDSTILL_LOOKS = 25

/** What is to suffer. */
export interface Victim {
  readonly proxy: ToxicProxy
  readonly server: Pick<Running, 'kill' | 'restart'>
  /** Has the destination's numbers as the program says them. */
  readonly seen: () => Promise<ExporterSnapshot>
  /** Takes out what a server has that forgets everything with its process; it is cut off meanwhile. */
  readonly rescue?: (() => Promise<void>) | undefined
  /** It tries again within one call, and does not count that. */
  readonly patient?: boolean | undefined
}

type Fault = (victim: Victim) => Promise<void>

/** Slow all the time; first with little bandwidth as well. */
const LATENCY: Toxic = { type: 'latency', stream: 'downstream', attributes: { latency: 8, jitter: 4 } }
const NARROW: Toxic = { type: 'bandwidth', stream: 'upstream', attributes: { rate: 4000 } }
/** Connections are reset, whoever is in the middle of what. */
const RESET: Toxic = { type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } }
/** Connections end in the middle of requests. */
const TORN: Toxic = { type: 'limit_data', stream: 'upstream', attributes: { bytes: 2000 } }
/** Requests arrive, answers do not. */
const MUTE: Toxic = { type: 'timeout', stream: 'downstream', attributes: { timeout: 200 } }

const poisoned =
  (toxic: Toxic): Fault =>
  (victim) =>
    during(
      victim,
      () => victim.proxy.poison(toxic.type, toxic),
      () => victim.proxy.cure(toxic.type),
    )

const widened: Fault = ({ proxy }) => proxy.cure(NARROW.type)

const cut: Fault = (victim) =>
  during(
    victim,
    () => victim.proxy.enable(false),
    () => victim.proxy.enable(true),
  )

const killed: Fault = (victim) => {
  const { proxy, server, rescue } = victim
  if (rescue === undefined)
    return during(
      victim,
      () => server.kill(),
      () => server.restart(),
    )
  const kill = async () => {
    // What it says yes to from now on, nobody hears: that comes again.
    await proxy.enable(false)
    await rescue()
    await server.kill()
  }
  const restart = async () => {
    await server.restart()
    await proxy.enable(true)
  }
  return during(victim, kill, restart)
}

/** By the part of the records that is there when it happens. */
const SCHEDULE: readonly (readonly [part: number, fault: Fault])[] = [
  [0.1, widened],
  [0.2, poisoned(RESET)],
  [0.33, killed],
  [0.45, poisoned(TORN)],
  [0.55, cut],
  [0.67, killed],
  [0.78, poisoned(MUTE)],
]

/** To be called before the first record is sent. */
export async function spoil(proxy: ToxicProxy): Promise<void> {
  for (const toxic of [LATENCY, NARROW]) await proxy.poison(toxic.type, toxic)
}

/** Lets everything happen that is to; resolves when it is over and the rest of the records can come. */
export async function plague(victim: Victim): Promise<void> {
  for (const [part, fault] of SCHEDULE) {
    await waitUntil(
      victim.seen,
      ({ delivered }) => delivered >= part * RECORDS,
      `${part * RECORDS} records to be there`,
      { timeoutMs: LONG_MS },
    )
    await fault(victim)
  }
}

/** Begins something, and ends it when the destination was tried in vain. */
async function during(
  { seen, patient }: Victim,
  begin: () => Promise<void>,
  end: () => Promise<void>,
): Promise<void> {
  const { retried } = await seen()
  await begin()
  const { standsStill } = new Progress()
  const inVain = patient ? standsStill : (now: ExporterSnapshot) => now.retried > retried
  const isOver = (now: ExporterSnapshot) => inVain(now) || now.delivered === RECORDS
  const { delivered } = await waitUntil(seen, isOver, 'an attempt in vain', { timeoutMs: LONG_MS })
  if (delivered === RECORDS) throw new Error('everything was there before anything was in vain')
  await end()
}

/** Remembers how far it was. */
class Progress {
  #delivered = -1
  #looks = 0

  readonly standsStill = ({ delivered }: ExporterSnapshot): boolean => {
    this.#looks = delivered === this.#delivered ? this.#looks + 1 : 0
    this.#delivered = delivered
    return this.#looks >= STANDSTILL_LOOKS
  }
}
