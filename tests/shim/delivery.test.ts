import { expect, test } from 'bun:test'
import { elevelOf } from '../../src/codec/severity.ts'
import { waitUntil } from '../support/wait-until.ts'
import { arrival, burst, major, matching, shim, stat, unbroken } from './setup.ts'

const { cluster, listener } = await shim({ settings: { cluster_name: 'delivery' } })

test('records that came before the listener wait for it, from the very first', async () => {
  await cluster.start()
  const started = performance.now()
  await cluster.query(burst('early', 100))
  expect(performance.now() - started).toBeLessThan(2000)
  listener.listen()
  await arrival(listener, 'early 100')
  expect(listener.messages[0]).toStartWith('starting PostgreSQL')
  expect(listener.records[0]!.sequence).toBe(1n)
  expect(matching(listener, 'early')).toHaveLength(100)
  expect(listener.versions[0]).toMatch(/^PG-\d+\S*.*\/logfebe-2$/)
  expect(listener.identities).toEqual(['delivery\0'])
})

test('a record has the fields of its session', async () => {
  await cluster.psql(`SELECT 1/0 AS "größe"`, { applicationName: 'fields' })
  await arrival(listener, 'division by zero')
  const { fields } = listener.records.find(({ fields }) => fields.ErrMessage === 'division by zero')!
  expect(fields).toMatchObject({
    UserName: 'postgres',
    DatabaseName: 'postgres',
    ClientAddr: '[local]',
    SeqNum: 1n,
    PsDisplay: 'SELECT',
    ELevel: elevelOf(major, 'ERROR'),
    SQLState: '22012',
    UserQuery: 'SELECT 1/0 AS "größe"',
    ApplicationName: 'fields',
    BackendType: 'client backend',
    MessageId: 'division by zero',
    Encoding: 'UTF8',
    Flags: 0,
    OriginalBytes: 0n,
  })
  expect(fields.FileErrPos).toMatch(/^int4div, int\.c:\d+$/)
  expect(fields.SessionId).toBe(
    `${(BigInt(fields.SessionStartMicros as bigint) / 1_000_000n).toString(16)}.${Number(fields.Pid).toString(16)}`,
  )
  const micros = Number(fields.TimeMicros)
  expect(new Date(micros / 1000).toISOString().replace('T', ' ').replace('Z', ' UTC')).toBe(
    String(fields.LogTime),
  )
})

test('a listener that does not read holds nobody up, and gets all of it later', async () => {
  listener.pause()
  const started = performance.now()
  await cluster.query(burst('stalled', 5000, 'LOG', 500))
  expect(performance.now() - started).toBeLessThan(5000)
  await Bun.sleep(200)
  listener.resume()
  await arrival(listener, 'stalled 5000')
  expect(matching(listener, 'stalled')).toHaveLength(5000)
})

test('a cut connection resumes where the listener stands: nothing missing, nothing twice', async () => {
  for (let round = 0; round < 8; round++) {
    const writing = cluster.query(burst(`round ${round}:`, 3000))
    await Bun.sleep(20)
    listener.cut()
    await writing
    await arrival(listener, `round ${round}: 3000`)
  }
  const rounds = matching(listener, 'round ')
  expect(rounds).toHaveLength(24000)
  expect(unbroken(listener)).toEqual([])
})

test('what was not acknowledged is sent again, with the same sequence', async () => {
  listener.acknowledging = 'none'
  await cluster.query(burst('twice', 10))
  await arrival(listener, 'twice 10')
  const first = listener.records.filter(({ fields }) => String(fields.ErrMessage).startsWith('twice'))
  listener.cut()
  listener.acknowledging = 'all'
  await waitUntil(
    () => matching(listener, 'twice').length,
    (n) => n === 20,
    'the second copy',
  )
  const second = listener.records
    .filter(({ fields }) => String(fields.ErrMessage).startsWith('twice'))
    .slice(10)
  expect(second).toEqual(first)
})

test('pgturret_stat adds up and agrees with the listener', async () => {
  await cluster.query('CREATE EXTENSION pgturret')
  const seen = await waitUntil(
    () => stat(cluster),
    ({ held }) => held === 0,
    'all to be acknowledged',
  )
  expect(seen.emitted).toBe(seen.acknowledged + seen.held + seen.dropped)
  expect(seen.dropped).toBe(0)
  expect(seen.connected).toBe('t')
  const distinct = new Set(listener.records.map(({ sequence }) => sequence))
  expect(seen.acknowledged).toBe(distinct.size)
  expect(seen.delivered).toBe(seen.acknowledged)
  expect(listener.complaints).toEqual([])
})
