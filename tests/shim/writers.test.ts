/** Writers that stop or die between claim and publish, on the ring of a running server. */

import { expect, test } from 'bun:test'
import { join, resolve } from 'node:path'
import { asAccount } from '../../scripts/postgres/processes.ts'
import { waitUntil } from '../support/wait-until.ts'
import { arrival, burst, matching, shim, stat, unbroken } from './setup.ts'

const SHIM = resolve(import.meta.dir, '../../shim')

const { cluster, listener } = await shim()

/** A process that has claimed room in the ring and has not published. */
async function claimer() {
  const program = join(cluster.dir, 'ring_poke')
  await Bun.$`cc -std=gnu99 -O2 -I${SHIM} -o ${program} ${SHIM}/t/ring_poke.c ${SHIM}/ring.c`
  // As the server's account: whom the worker may not signal cannot be one of its writers.
  const child = Bun.spawn(asAccount([program, `${cluster.dataDir}/pg_stat_tmp/pgturret.ring`]), {
    stdin: 'pipe',
    stdout: 'pipe',
  })
  let said = ''
  const decoder = new TextDecoder()
  const reading = (async () => {
    for await (const chunk of child.stdout) said += decoder.decode(chunk)
  })()
  await waitUntil(
    () => said,
    (text) => text.includes('claimed'),
    'the claim',
  )
  return { child, said: () => reading.then(() => said) }
}

test('a stopped writer holds back what is behind it, and nobody else; then all of it comes, in order', async () => {
  await cluster.start()
  await cluster.query('CREATE EXTENSION pgturret')
  listener.listen()
  await arrival(listener, 'ready to accept')
  const { child, said } = await claimer()
  child.kill('SIGSTOP')
  await cluster.query(burst('behind', 1000))
  const held = await waitUntil(
    () => stat(cluster),
    ({ delivered, emitted, held }) => delivered + held === emitted && held > 1000,
    'all but the records behind the claim to be delivered',
  )
  expect(matching(listener, 'behind')).toEqual([])
  expect(held.dropped).toBe(0)
  child.kill('SIGCONT')
  child.stdin.write('x')
  child.stdin.end()
  await child.exited
  expect(await said()).toContain('published')
  await arrival(listener, 'behind 1000')
  expect(matching(listener, 'behind')).toHaveLength(1000)
  // What the harness wrote is no record, so it is counted in its place.
  expect(listener.drops).toMatchObject([{ count: 1n, elevel: 15, reason: 'writer_died' }])
})

test('a killed writer is counted, announced in its place, and what is behind it comes', async () => {
  const { child } = await claimer()
  await cluster.query(burst('widowed', 1000))
  child.kill('SIGKILL')
  await child.exited
  await arrival(listener, 'widowed 1000')
  expect(matching(listener, 'widowed')).toHaveLength(1000)
  expect(listener.drops).toHaveLength(2)
  expect(listener.drops[1]).toMatchObject({ count: 1n, elevel: 15, reason: 'writer_died' })
  expect(unbroken(listener)).toEqual([2n, 2n])
  const seen = await waitUntil(
    () => stat(cluster),
    ({ held }) => held === 0,
    'all to be acknowledged',
  )
  expect(seen).toMatchObject({ dropped: 2, acknowledged: listener.records.length })
  expect(seen.emitted).toBe(seen.acknowledged + seen.dropped)
  expect(listener.complaints).toEqual([])
})

test('a writer that died with the postmaster is counted at the next start', async () => {
  const { child } = await claimer()
  listener.close()
  await cluster.query(burst('orphaned', 100))
  await cluster.kill9()
  child.kill('SIGKILL')
  await child.exited
  await cluster.start()
  listener.listen()
  await arrival(listener, 'orphaned 100')
  expect(matching(listener, 'orphaned')).toHaveLength(100)
  expect(listener.drops).toHaveLength(3)
  expect(unbroken(listener)).toEqual([2n, 2n, 2n])
})
