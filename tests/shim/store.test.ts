/** Where the ring lives: a file in memory while the server runs, one in the data directory while it does not. */

import { expect, test } from 'bun:test'
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { installation } from '../../scripts/postgres/installation.ts'
import { lastLines } from '../../scripts/postgres/postmaster.ts'
import { account, asAccount } from '../../scripts/postgres/processes.ts'
import { waitUntil } from '../support/wait-until.ts'
import { arrival, burst, major, matching, shim, stat, unbroken } from './setup.ts'

const { cluster, listener } = await shim()
const ring = `${cluster.dataDir}/pg_stat_tmp/pgturret.ring`
const memory = join(cluster.dir, 'memory')
const owner = account()
const isRoot = process.getuid?.() === 0

mkdirSync(memory, { mode: 0o700 })
if (owner !== undefined) chownSync(memory, owner.uid, owner.gid)

const isLink = () => lstatSync(ring).isSymbolicLink()

test('a running server has one file outside its data directory, a stopped one none', async () => {
  cluster.set('pgturret.ring_directory', memory)
  await cluster.start()
  expect(isLink()).toBe(true)
  expect(readdirSync(memory)).toEqual([readlinkSync(ring).split('/').at(-1)!])
  expect(lstatSync(readlinkSync(ring)).mode & 0o777).toBe(0o600)
  await cluster.query(burst('kept', 100))
  await cluster.stop()
  expect(isLink()).toBe(false)
  expect(readdirSync(memory)).toEqual([])
  expect(existsSync(`${ring}.new`)).toBe(false)
})

test('after SIGKILL the file stays, and the next start takes it over and removes it', async () => {
  await cluster.start()
  await cluster.query(burst('more', 100))
  await cluster.kill9()
  const [before] = readdirSync(memory)
  await cluster.start()
  expect(readdirSync(memory)).toHaveLength(1)
  expect(readdirSync(memory)).not.toContain(before!)
  await cluster.stop('immediate')
  expect(readdirSync(memory)).toEqual([])
})

// 13 and 14 do not load shared_preload_libraries in single-user mode.
const ALONE = major >= 15 ? 3 : 0

test('in single-user mode records are kept for the listener of the next start', async () => {
  const { exitCode, stderr } = Bun.spawnSync(
    asAccount([join(installation().bindir, 'postgres'), '--single', '-D', cluster.dataDir, 'postgres']),
    {
      stdin: Buffer.from(`${burst('alone', 3).replaceAll('\n', ' ')}\n`),
      cwd: cluster.dataDir,
      stdout: 'ignore',
    },
  )
  expect([exitCode, stderr.toString()]).toEqual([0, expect.stringContaining('alone 3')])
  expect(readdirSync(memory)).toEqual([])
  await cluster.start()
  listener.listen()
  await arrival(listener, ALONE > 0 ? `alone ${ALONE}` : 'more 100')
  const alone = listener.records.filter(({ fields }) => String(fields.ErrMessage).startsWith('alone'))
  expect(alone.map(({ fields }) => fields.BackendType)).toEqual(
    Array(ALONE).fill(expect.stringMatching(/^(standalone backend|not initialized)$/)),
  )
  expect(matching(listener, 'kept')).toHaveLength(100)
  expect(matching(listener, 'more')).toHaveLength(100)
  expect(unbroken(listener)).toEqual([])
  await cluster.query('CREATE EXTENSION pgturret')
  expect((await stat(cluster)).dropped).toBe(0)
})

test('a copy that kept every inode does not take the ring of a server that runs', async () => {
  // As after a snapshot of the disk: another server finds the same link, and the same numbers behind it.
  await arrival(listener, 'more 100')
  const { bootId } = listener.rings.at(-1)!
  const target = readlinkSync(ring)
  const other = await shim({ settings: { 'pgturret.ring_directory': memory } })
  const theirs = `${other.cluster.dataDir}/pg_stat_tmp/pgturret.ring`
  await Bun.$`ln -s ${target} ${theirs}`
  await other.cluster.start()
  other.listener.listen()
  await arrival(other.listener, 'ready to accept')
  expect(other.cluster.serverLog()).toContain('belongs to another cluster')
  expect(other.listener.rings.at(-1)!.bootId).not.toBe(bootId)
  expect(existsSync(target)).toBe(true)
  await other.cluster.stop()
  expect(readdirSync(memory)).toEqual([target.split('/').at(-1)!])
})

test('without a usable directory the ring is nameless: kept over a stop, not over SIGKILL', async () => {
  listener.close()
  for (const directory of ['/nonexistent', '']) {
    cluster.set('pgturret.ring_directory', directory)
    await cluster.restart()
    await cluster.query(burst(`nameless ${directory}`, 10))
    await cluster.restart()
    expect(existsSync(ring)).toBe(false)
  }
  expect(cluster.serverLog()).toMatch(/could not create a file of \d+ kB in "\/nonexistent"/)
  listener.listen()
  await arrival(listener, 'nameless  10')
  expect(matching(listener, 'nameless')).toHaveLength(20)
  expect(unbroken(listener)).toEqual([])
  listener.close()
  await cluster.query(burst('gone', 10))
  const { bootId } = listener.rings.at(-1)!
  await cluster.kill9()
  await cluster.start()
  listener.listen()
  await waitUntil(
    () => listener.rings.at(-1)!.bootId,
    (id) => id !== bootId,
    'another ring',
  )
  await cluster.query(burst('anew', 1))
  await arrival(listener, 'anew 1')
  expect(matching(listener, 'gone')).toEqual([])
})

test('a directory on a disk works, with a warning', async () => {
  cluster.set('pgturret.ring_directory', 'pg_stat_tmp')
  await cluster.restart()
  expect(readlinkSync(ring)).toStartWith(`${cluster.dataDir}/pg_stat_tmp/pgturret.`)
  const warned = lastLines(cluster.logFile, 30).includes('"pgturret.ring_directory" is not in memory')
  // Unless the temporary folder is in memory itself.
  const type = (await Bun.$`stat -f -c %T ${cluster.dataDir}`.text()).trim()
  expect(warned).toBe(type !== 'tmpfs')
})

test.skipIf(!isRoot)(
  'a directory that is too small, or full, is left alone (mounting one needs root)',
  async () => {
    const small = join(cluster.dir, 'small')
    mkdirSync(small)
    await Bun.$`mount -t tmpfs -o size=24m,mode=1777 tmpfs ${small}`
    try {
      cluster.set('pgturret.ring_directory', small)
      // 16 MB would fit, but leave PostgreSQL less than half.
      await cluster.restart()
      expect(readdirSync(small)).toEqual([])
      expect(lastLines(cluster.logFile, 30)).toContain('No space left on device')
      cluster.set('pgturret.queue_size', '8MB')
      await cluster.restart()
      expect(readdirSync(small)).toHaveLength(1)
      await Bun.$`dd if=/dev/zero of=${small}/filler bs=1M`.nothrow().quiet()
      await cluster.query(burst('on a full disk', 5000, 'LOG', 300))
      await arrival(listener, 'on a full disk 5000')
      await cluster.restart()
      expect(readdirSync(small)).toEqual(['filler'])
      await cluster.query(burst('beside a full disk', 10))
      await arrival(listener, 'beside a full disk 10')
      await cluster.stop()
    } finally {
      await Bun.$`umount -l ${small}`
    }
  },
)
