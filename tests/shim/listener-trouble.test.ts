/** The compiled listener in every kind of trouble: sessions do not notice, and the sums are exact. */

import { expect, test } from 'bun:test'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { waitUntil } from '../support/wait-until.ts'
import { burst, type Stat, shim, stat } from './setup.ts'

const { cluster } = await shim({ settings: { 'pgturret.server_log': 'skip' } })
const socket = join(cluster.dir, 'log.sock')
const file = join(cluster.dir, 'out.ndjson')
const isRoot = process.getuid?.() === 0

const listen = (to = file, ...words: string[]) =>
  startListener(['--socket', socket, '--socket-mode', '0666', '--to', `file://${to}`, ...words])

interface Line {
  message: string
  uid: string
  seq: number
}

const lines = (from = file): Line[] =>
  readFileSync(from, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
const tagged = (tag: string) => lines().filter(({ message }) => message.startsWith(`${tag} `))

/** Sessions at work: all of them end, in time, and none is ever seen waiting for something of ours. */
async function work(tag: string, count: number, padding = 0): Promise<void> {
  const started = performance.now()
  const sessions = Array.from({ length: 4 }, (_, session) =>
    cluster.query(burst(`${tag} ${session}`, count, 'LOG', padding)),
  )
  const waits = await cluster.query(
    `SELECT wait_event FROM pg_stat_activity WHERE wait_event_type = 'Extension' AND backend_type = 'client backend'`,
  )
  await Promise.all(sessions)
  expect(waits).toBe('')
  expect(performance.now() - started).toBeLessThan(10_000)
}

/** The shim's and the listener's books, when nothing is under way any more. */
async function settle(): Promise<void> {
  const seen = await waitUntil(
    () => stat(cluster),
    ({ held }) => held === 0,
    'all to be acknowledged',
  )
  expect(seen.emitted).toBe(seen.acknowledged + seen.dropped)
  const distinct = new Set(lines().map(({ uid }) => uid))
  expect(distinct.size).toBe(seen.acknowledged)
  // Sequences go on, one by one, over records and drops alike.
  const last = Math.max(...lines().map(({ seq }) => seq))
  expect(last - distinct.size).toBeLessThanOrEqual(seen.dropped)
}

let listener: ListenerProcess

test('absent', async () => {
  await cluster.start()
  await cluster.query('CREATE EXTENSION pgturret')
  await work('absent', 500)
  listener = await listen()
  await waitUntil(
    () => tagged('absent').length,
    (n) => n === 2000,
    'what came before the listener',
  )
  await settle()
})

test('stopped: the ring holds what it can, sheds exactly the rest, and goes on', async () => {
  process.kill(listener.pid, 'SIGSTOP')
  try {
    await work('stopped', 5000, 600)
    const full = await stat(cluster)
    expect(full.dropped).toBeGreaterThan(1000)
    expect(full.emitted).toBe(full.acknowledged + full.held + full.dropped)
  } finally {
    process.kill(listener.pid, 'SIGCONT')
  }
  await cluster.query(burst('continued', 1))
  await waitUntil(
    () => tagged('continued').length,
    (n) => n === 1,
    'the first record after it',
  )
  await settle()
  const { dropped } = await stat(cluster)
  expect(tagged('stopped').length + dropped).toBeGreaterThanOrEqual(20_000)
  const gaps = lines()
    .map(({ seq }) => seq)
    .sort((a, b) => a - b)
    .reduce((sum, seq, index, all) => sum + (index === 0 ? seq - 1 : seq - all[index - 1]! - 1), 0)
  expect(gaps).toBe(dropped)
})

test('killed again and again under load: nothing is missing', async () => {
  const before = await stat(cluster)
  for (let round = 0; round < 10; round++) {
    const working = work(`killed ${round}`, 200)
    await listener.kill9()
    listener = await listen()
    await working
  }
  await waitUntil(
    () => new Set(tagged('killed').map(({ message }) => message)).size,
    (n) => n === 8000,
    'every record',
  )
  await settle()
  expect((await stat(cluster)).dropped).toBe(before.dropped)
})

test('ended and started again: nothing is missing, nothing is twice', async () => {
  const working = work('ended', 1000)
  expect(await listener.stop()).toBe(0)
  await working
  listener = await listen()
  await waitUntil(
    () => tagged('ended').length,
    (n) => n >= 4000,
    'every record',
  )
  await settle()
  expect(tagged('ended')).toHaveLength(4000)
})

test('a wrong path, a folder, a file, a socket without permission: sessions go on, and it is found again', async () => {
  const folder = join(cluster.dir, 'folder')
  mkdirSync(folder, { mode: 0o700 })
  const plain = join(cluster.dir, 'plain')
  await Bun.write(plain, '')
  const paths = ['/nonexistent/log.sock', folder, plain, `${plain}/log.sock`, socket]
  for (const [round, path] of paths.entries()) {
    if (path === socket && isRoot) chmodSync(socket, 0o600)
    cluster.set('pgturret.socket', path)
    cluster.reload()
    await waitUntil(
      () => cluster.query('SHOW pgturret.socket'),
      (value) => value === path,
      'the reload',
    )
    await work(`path ${round}`, 100)
  }
  if (isRoot) {
    await waitUntil(
      () => cluster.query('SELECT last_error FROM pgturret_stat'),
      (error) => error.includes('Permission denied'),
      'the refusal',
    )
    chmodSync(socket, 0o666)
  }
  await waitUntil(
    () => tagged('path').length,
    (n) => n === 2000,
    'every record',
  )
  await settle()
})

/** Runs work while a small disk is full, then makes it larger; everything has to be in the target in the end. */
async function onSmallDisk(
  kind: string,
  paths: (small: string) => { target: string; journal: string },
  whileFull: (before: Stat) => Promise<void>,
): Promise<void> {
  const small = join(cluster.dir, `small-${kind}`)
  mkdirSync(small)
  await listener.stop()
  await Bun.$`mount -t tmpfs -o size=256k tmpfs ${small}`
  const { target, journal } = paths(small)
  try {
    const before = await stat(cluster)
    listener = await listen(target, '--journal', journal)
    await work(kind, 200, 300)
    await whileFull(before)
    await Bun.$`mount -o remount,size=16m ${small}`
    const arrived = () => lines(target).filter(({ message }) => message.startsWith(`${kind} `))
    await waitUntil(
      () => new Set(arrived().map(({ message }) => message)).size,
      (size) => size === 800,
      'everything to arrive',
      { timeoutMs: 40_000 },
    )
    expect(arrived()).toHaveLength(800)
  } finally {
    expect(await listener.stop()).toBe(0)
    await Bun.$`umount -l ${small}`
  }
}

test.skipIf(!isRoot)(
  'the disk of its destination is full: records wait in the journal (mounting a small disk needs root)',
  () =>
    onSmallDisk(
      'full',
      (small) => ({ target: join(small, 'out.ndjson'), journal: join(cluster.dir, 'large-journal') }),
      async ({ dropped }) => {
        const { held, dropped: now } = await waitUntil(
          () => stat(cluster),
          ({ held }) => held <= 2,
          'the ring to empty',
        )
        expect([held <= 2, now]).toEqual([true, dropped])
      },
    ),
  60_000,
)

test.skipIf(!isRoot)(
  'the disk of its journal is full: records wait in the ring (mounting a small disk needs root)',
  () =>
    onSmallDisk(
      'packed',
      (small) => ({ target: join(cluster.dir, 'packed.ndjson'), journal: join(small, 'journal') }),
      async ({ dropped }) => {
        await waitUntil(
          () => listener.stderr(),
          (said) => said.includes('the journal cannot be written'),
          'the full disk to be noticed',
        )
        const stuck = await stat(cluster)
        expect(stuck.held).toBeGreaterThan(100)
        expect(stuck.dropped).toBe(dropped)
      },
    ),
  60_000,
)
