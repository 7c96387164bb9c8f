import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlPath } from '../../src/observe/control.ts'
import { readStatus } from '../../src/observe/read-status.ts'
import type { Snapshot } from '../../src/observe/snapshot.ts'
import { hello, log, logs, ring } from '../ingest/frames.ts'
import { Sender } from '../ingest/senders.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A listener with a configuration file, in a process of its own, and what SIGHUP does to it. */

const MAIN = join(import.meta.dir, '../../src/cli/main.ts')
let root = ''
let folder = ''
let children: Bun.Subprocess[] = []

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pgturret-reload-'))
})
beforeEach(() => {
  folder = mkdtempSync(join(root, 't'))
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map((child) => child.exited))
  children = []
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const at = (name: string): string => join(folder, name)
const configure = (text: string): void => writeFileSync(at('pgturret.toml'), text)
const file = (name: string, own = ''): string => `[exporters.${name}]\nurl = "file://${at(name)}"\n${own}`
const linesOf = (name: string): string[] =>
  existsSync(at(name)) ? readFileSync(at(name), 'utf8').split('\n').slice(0, -1) : []

async function listen() {
  const socket = at('log.sock')
  const words = ['--config', at('pgturret.toml'), '--socket', socket, '--journal', at('journal')]
  const child = Bun.spawn([process.execPath, MAIN, 'listen', ...words], { stdout: 'ignore', stderr: 'pipe' })
  children.push(child)
  let said = ''
  const read = async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stderr) said += decoder.decode(chunk, { stream: true })
  }
  void read()
  await waitUntil(
    () => existsSync(socket),
    (there) => there,
    'the socket',
  )
  const sender = await Sender.connect(socket)
  await sender.send(hello(2), ring(7n, 1n))
  const reload = async () => {
    const before = said.length
    child.kill('SIGHUP')
    await waitUntil(
      () => said.slice(before),
      (text) => text.includes('"reloaded"') || text.includes('was not changed'),
      'the reload',
    )
    return said.slice(before)
  }
  return { child, sender, socket, reload, said: () => said }
}

const has = (name: string, count: number) =>
  waitUntil(
    () => linesOf(name).length,
    (lines) => lines === count,
    `${count} records in ${name}`,
  )

async function status(socket: string): Promise<Snapshot> {
  const { snapshot, problem } = await readStatus(controlPath(socket))
  if (snapshot === undefined) throw new Error(problem)
  return snapshot
}

test('what has not changed goes on, the rest begins and ends; a destination that comes back goes on where it was', async () => {
  configure(file('kept') + file('gone'))
  const { sender, socket, reload } = await listen()
  await sender.send(logs(1, 10))
  await Promise.all([has('kept', 10), has('gone', 10)])
  configure(file('kept') + file('fresh', 'start = "oldest"\n'))
  expect(await reload()).toContain('"begun":"fresh","ended":"gone"')
  await sender.send(logs(11, 20))
  await Promise.all([has('kept', 20), has('fresh', 20)])
  expect(linesOf('gone')).toHaveLength(10)
  const { exporters } = await status(socket)
  expect(exporters.map(({ name, delivered }) => [name, delivered])).toEqual([
    ['kept', 20],
    ['fresh', 20],
  ])
  configure(file('kept') + file('gone'))
  await reload()
  await has('gone', 20)
})

test('a destination that has changed is begun anew, and misses nothing', async () => {
  configure(file('one'))
  const { sender, reload } = await listen()
  await sender.send(logs(1, 10))
  await has('one', 10)
  configure(file('one', 'level = "WARNING"\n'))
  expect(await reload()).toContain('"begun":"one"')
  await sender.send(log(11), log(12, 2, { ELevel: 19 }), log(13))
  await has('one', 11)
  expect(linesOf('one').at(-1)).toContain('message 12')
})

test('files are opened anew', async () => {
  configure(file('one'))
  const { sender, reload } = await listen()
  await sender.send(logs(1, 10))
  await has('one', 10)
  renameSync(at('one'), at('old'))
  await reload()
  await sender.send(logs(11, 15))
  await has('one', 5)
  expect(linesOf('old')).toHaveLength(10)
})

test('a file that is wrong changes nothing, and all that is wrong is said', async () => {
  configure(file('one'))
  const { sender, reload } = await listen()
  configure(`jurnal = "x"\n${file('one', 'start = "middle"\n')}`)
  const said = await reload()
  expect(said).toContain('jurnal')
  expect(said).toContain('exporters.one.start')
  expect(said).toContain('the configuration was not changed')
  await sender.send(logs(1, 10))
  await has('one', 10)
})

test('what takes effect at the next start only is named', async () => {
  configure(file('one'))
  const { reload } = await listen()
  configure(`journal_size = "1GB"\n${file('one')}`)
  expect(await reload()).toMatch(/at the next start only.*"settings":"journal_size"/)
})

test('a second listener on the same journal is refused, and says whose it is', async () => {
  configure(file('one'))
  const { child } = await listen()
  const words = ['--config', at('pgturret.toml'), '--socket', at('other.sock'), '--journal', at('journal')]
  const second = Bun.spawn([process.execPath, MAIN, 'listen', ...words], { stdout: 'ignore', stderr: 'pipe' })
  children.push(second)
  expect(await second.exited).toBe(2)
  expect(await new Response(second.stderr).text()).toContain(`process ${child.pid}`)
})
