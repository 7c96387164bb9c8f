import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BINARY } from '../support/binary.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'

/** From an SQL error to the terminal and a webhook: real PostgreSQL, the module, the compiled executable. */

type Event = Record<string, unknown>

let cluster: Cluster
let listener: ListenerProcess
let webhook: Bun.Server<undefined>
const received: Event[] = []
let refusals = 2

const linesOf = (path: string): Event[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    : []

beforeAll(async () => {
  cluster = await Cluster.create({ shim: true })
  cluster.set('pgturret.socket', join(cluster.dir, 'log.sock'))
  cluster.set('log_min_duration_statement', '100ms')
  webhook = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      // The first requests fail: nothing may be lost by that.
      if (refusals-- > 0) return new Response('busy', { status: 503, headers: { 'Retry-After': '0' } })
      for (const line of (await request.text()).split('\n').slice(0, -1)) received.push(JSON.parse(line))
      return new Response(null, { status: 204 })
    },
  })
  listener = await startListener([
    ...['--socket', join(cluster.dir, 'log.sock'), '--socket-mode', '0666'],
    ...['--to', 'stdout', '--format', 'pretty'],
    ...['--to', `http://127.0.0.1:${webhook.port}/in`],
    ...['--dump', join(cluster.dir, 'all.febe')],
  ])
  await cluster.start()
}, 60_000)

afterAll(async () => {
  await listener?.stop()
  await cluster?.remove()
  await webhook?.stop(true)
})

const arrived = (message: string) =>
  waitUntil(
    () => received.find((event) => String(event['message']).includes(message)),
    (event) => event !== undefined,
    `the record "${message}" at the webhook`,
  ) as Promise<Event>

describe('an SQL error', () => {
  test('arrives at the webhook with every field that PostgreSQL knows', async () => {
    await cluster.query('CREATE TABLE orders (id int CONSTRAINT orders_pkey PRIMARY KEY)')
    await cluster.psql('INSERT INTO orders VALUES (1), (1)')
    const event = await arrived('duplicate key value violates unique constraint')
    expect(event).toMatchObject({
      error_severity: 'ERROR',
      state_code: '23505',
      sqlstate_name: 'unique_violation',
      message: 'duplicate key value violates unique constraint "orders_pkey"',
      detail: 'Key (id)=(1) already exists.',
      statement: 'INSERT INTO orders VALUES (1), (1)',
      dbname: 'postgres',
      remote_host: '[local]',
      application_name: 'psql',
      backend_type: 'client backend',
      message_id: 'duplicate key value violates unique constraint "%s"',
      schema_name: 'public',
      table_name: 'orders',
      constraint_name: 'orders_pkey',
      func_name: '_bt_check_unique',
      file_name: 'nbtinsert.c',
    })
    expect(event['uid']).toMatch(/^[0-9a-f]{16}-\d+$/)
    expect(String(event['server_version'])).toMatch(/^15\./)
  })

  test('is shown on the terminal', async () => {
    await waitUntil(
      listener.stdout,
      (text) => text.includes('Key (id)=(1) already exists.'),
      'the record on stdout',
    )
    expect(listener.stdout()).toMatch(/ERROR .*duplicate key value violates unique constraint "orders_pkey"/)
    expect(listener.stdout()).not.toContain('\x1b[')
  })

  test('a slow statement carries its duration as a number', async () => {
    await cluster.query('SELECT pg_sleep(0.15)')
    const event = await arrived('duration: ')
    expect(event['duration_ms']).toBeGreaterThanOrEqual(150)
    expect(event['duration_ms']).toBeLessThan(60_000)
  })

  test('the first lines of the server arrived too, in order', async () => {
    const starting = await arrived('starting PostgreSQL')
    const ready = await arrived('database system is ready to accept connections')
    expect(starting['backend_type']).toBe('postmaster')
    expect(Number(starting['seq'])).toBeLessThan(Number(ready['seq']))
  })

  test('requests that failed cost nothing: the sequence has no gap', async () => {
    const sequences = received.map((event) => Number(event['seq'])).sort((a, b) => a - b)
    const first = sequences[0]!
    expect(sequences).toEqual(sequences.map((_, index) => first + index))
  })
})

describe('the dump that was recorded', () => {
  test('replays to the same records, unique ids included', async () => {
    const dump = join(cluster.dir, 'all.febe')
    await waitUntil(
      () => statSync(dump).size,
      (size) => size > 0,
      'the dump to have a size',
    )
    const child = Bun.spawn([BINARY, 'replay', dump, '--to', `file://${join(cluster.dir, 'again.ndjson')}`], {
      stdout: 'ignore',
      stderr: 'ignore',
    })
    expect(await child.exited).toBe(0)
    const again = new Map(linesOf(join(cluster.dir, 'again.ndjson')).map((event) => [event['uid'], event]))
    for (const event of [...received]) expect(again.get(event['uid'])).toEqual(event)
  })
})

describe('a listener that is killed', () => {
  test('loses nothing: what came meanwhile arrives at the next one', async () => {
    const socket = join(cluster.dir, 'log.sock')
    const file = join(cluster.dir, 'killed.ndjson')
    const words = ['--socket', socket, '--socket-mode', '0666', '--to', `file://${file}`]
    await listener.stop()
    let current = await startListener(words)
    for (let round = 0; round < 5; round++) {
      const work = cluster.query(
        `DO $$ BEGIN FOR i IN 1..200 LOOP RAISE LOG 'round ${round} record %', i; END LOOP; END $$`,
      )
      if (round % 2 === 0) await work
      await current.kill9()
      await work
      current = await startListener(words)
    }
    const wanted = Array.from({ length: 5 }, (_, round) =>
      Array.from({ length: 200 }, (_, i) => `round ${round} record ${i + 1}`),
    ).flat()
    const byUid = () => new Map(linesOf(file).map((event) => [event['uid'], String(event['message'])]))
    const messages = () => [...byUid().values()].filter((message) => message.startsWith('round ')).sort()
    await waitUntil(
      () => messages().length,
      (count) => count >= wanted.length,
      'all records',
      { timeoutMs: 20_000 },
    )
    expect(messages()).toEqual(wanted.sort())
    expect(await current.stop()).toBe(0)
  }, 60_000)
})
