/** Who holds the connection and the ring: nothing that a session starts. */

import { expect, test } from 'bun:test'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { arrival, major, shim } from './setup.ts'

const { cluster, listener } = await shim()

/** The children of the postmaster, by what they call themselves. */
const children = (postmaster: number) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        // The parent is the second word after the name in parentheses.
        const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
        const title = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
        return Number(parent) === postmaster ? [{ pid, title }] : []
      } catch {
        return [] // it has ended
      }
    })

const openFiles = (pid: number | string) =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return []
    }
  })

test('only the worker has the connection, and a COPY TO PROGRAM child has nothing', async () => {
  await cluster.start()
  listener.listen()
  await arrival(listener, 'connected to log listener')
  const processes = children(cluster.postmasterPid)
  const worker = processes.find(({ title }) => title.includes('pgturret sender'))!.pid
  // Before 15 every process has a socket to the statistics collector, from the postmaster.
  const inherited = new Set(major < 15 ? openFiles(cluster.postmasterPid) : [])
  const sockets = openFiles(worker).filter((name) => name.startsWith('socket:') && !inherited.has(name))

  // A child that logs before it looks: logging must not open anything either.
  const seen = `${cluster.dir}/child-files`
  const backend = await cluster.query(`
    DO $$ BEGIN RAISE LOG 'before the child'; END $$;
    COPY (SELECT 1) TO PROGRAM 'ls -l /proc/self/fd > ${seen}; cat > ${seen}.rows';
    SELECT string_agg(fd, E'\\n') FROM pg_ls_dir('/proc/self/fd') fd;
    SELECT pg_backend_pid()`)
  expect(backend).not.toBe('')
  const child = readFileSync(seen, 'utf8')
  expect(child).toContain('child-files')
  // PostgreSQL itself lets the child have the client's connection, so not every socket is wrong.
  expect(sockets.filter((name) => child.includes(name))).toEqual([])
  expect(child).not.toContain('pgturret.')
  expect(readFileSync(`${seen}.rows`, 'utf8')).toBe('1\n')

  const others = processes.map(({ pid }) => pid).filter((pid) => pid !== worker)
  const held = [...others, cluster.postmasterPid].flatMap(openFiles)
  expect(sockets.filter((name) => held.includes(name))).toEqual([])
  expect(sockets).not.toEqual([])
})
