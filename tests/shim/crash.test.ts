import { expect, test } from 'bun:test'
import { waitUntil } from '../support/wait-until.ts'
import { arrival, burst, matching, shim, unbroken } from './setup.ts'

const { cluster, listener } = await shim()

test('a killed backend: all before, the postmaster’s line about it, and the restart arrive', async () => {
  await cluster.start()
  await cluster.query(burst('before', 200))
  const victim = cluster.psql(
    `DO $$ BEGIN RAISE LOG 'victim %', pg_backend_pid(); PERFORM pg_sleep(60); END $$`,
  )
  listener.listen()
  await arrival(listener, /^victim \d+$/)
  const pid = matching(listener, 'victim')[0]!.split(' ')[1]
  process.kill(Number(pid), 'SIGKILL')
  await victim
  await arrival(listener, `(PID ${pid}) was terminated by signal 9`)
  await arrival(listener, 'all server processes terminated; reinitializing')
  await waitUntil(
    () => matching(listener, 'ready to accept connections').length,
    (n) => n === 2,
    'the restart',
  )
  expect(matching(listener, 'before')).toHaveLength(200)
  expect(unbroken(listener)).toEqual([])
})

test('shutdown and start arrive in order', async () => {
  await cluster.restart()
  await waitUntil(
    () => matching(listener, 'starting PostgreSQL').length,
    (n) => n === 2,
    'the second start',
  )
  const lines = listener.messages.filter((message) =>
    /^(database system is shut down|starting PostgreSQL|received fast shutdown)/.test(message),
  )
  expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
    expect.stringContaining('starting PostgreSQL'),
    'received fast shutdown',
    'database system is',
    expect.stringContaining('starting PostgreSQL'),
  ])
  expect(unbroken(listener)).toEqual([])
  expect(new Set(listener.rings.map(({ bootId }) => bootId)).size).toBe(1)
})

test('a killed postmaster: what the ring held arrives after the next start', async () => {
  listener.close()
  await cluster.query(burst('survivor', 500))
  await cluster.kill9()
  await cluster.start()
  listener.listen()
  await arrival(listener, 'survivor 500')
  expect(matching(listener, 'survivor')).toHaveLength(500)
  expect(unbroken(listener)).toEqual([])
  expect(new Set(listener.rings.map(({ bootId }) => bootId)).size).toBe(1)
})

test('another queue_size keeps what is held', async () => {
  listener.close()
  await cluster.query(burst('resized', 3000, 'LOG', 400))
  cluster.set('pgturret.queue_size', '1MB')
  await cluster.restart()
  cluster.set('pgturret.queue_size', '4MB')
  await cluster.restart()
  listener.listen()
  await arrival(listener, 'resized 3000')
  expect(matching(listener, 'resized')).toHaveLength(3000)
  expect(unbroken(listener)).toEqual([])
})

test('a copied data directory starts an empty ring with a boot id of its own', async () => {
  const { bootId } = listener.rings.at(-1)!
  await cluster.stop()
  const ring = `${cluster.dataDir}/pg_stat_tmp/pgturret.ring`
  await Bun.$`cp -p ${ring} ${ring}.copy && mv ${ring}.copy ${ring}`.quiet()
  await cluster.start()
  await waitUntil(
    () => listener.rings.at(-1)!.bootId,
    (id) => id !== bootId,
    'another boot id',
  )
  expect(listener.rings.at(-1)!.nextSequence).toBe(1n)
})

test('a damaged ring file starts an empty ring, and the server', async () => {
  await cluster.stop()
  const ring = `${cluster.dataDir}/pg_stat_tmp/pgturret.ring`
  for (const damage of [
    `truncate -s 5000 ${ring}`,
    `dd if=/dev/urandom of=${ring} bs=4k count=4 conv=notrunc`,
  ]) {
    await Bun.$`sh -c ${damage}`.quiet()
    await cluster.start()
    expect(await cluster.query('SELECT 1')).toBe('1')
    await cluster.stop()
  }
  expect(cluster.serverLog()).toContain('is not usable, starting an empty ring')
  expect(listener.complaints).toEqual([])
})
