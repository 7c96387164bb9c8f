import { expect, test } from 'bun:test'
import { severityOf } from '../../src/codec/severity.ts'
import { waitUntil } from '../support/wait-until.ts'
import { arrival, burst, major, matching, shim, stat, unbroken } from './setup.ts'

const LOST = 'queue_full'

const { cluster, listener } = await shim({ settings: { 'pgturret.queue_size': '1MB' } })

test('a full ring keeps errors, counts the rest, and says so in order', async () => {
  await cluster.start()
  await cluster.query('CREATE EXTENSION pgturret')
  await cluster.query(burst('flood', 10_000, 'LOG', 100))
  await cluster.query(burst('grave', 50, 'WARNING', 100))
  const full = await stat(cluster)
  expect(full.dropped).toBeGreaterThan(5000)
  expect(full.emitted).toBe(full.held + full.dropped + full.acknowledged)
  listener.listen()
  await arrival(listener, 'grave 50')
  await cluster.query(burst('after', 1))
  await arrival(listener, 'after 1')

  const kept = matching(listener, 'flood').length
  const dropped = listener.drops.reduce((sum, { count }) => sum + Number(count), 0)
  expect(listener.drops.every(({ reason }) => reason === LOST)).toBe(true)
  expect(kept + dropped).toBeGreaterThanOrEqual(10_000)
  expect(matching(listener, 'grave')).toHaveLength(50)

  const seen = await waitUntil(
    () => stat(cluster),
    ({ held }) => held === 0,
    'all to be acknowledged',
  )
  expect(seen.acknowledged).toBe(listener.records.length)
  expect(seen.dropped).toBe(dropped)
  expect(seen.emitted).toBe(seen.acknowledged + seen.dropped)
  // Every step of the sequence that no record takes is a drop that was announced.
  const gaps = unbroken(listener).reduce((sum, step) => sum + Number(step) - 1, 0)
  expect(gaps).toBe(dropped)
  expect(listener.complaints).toEqual([])
})

test('per severity, nothing is unaccounted for while connections break', async () => {
  for (let round = 0; round < 4; round++) {
    const writing = Promise.all([
      cluster.query(burst('left', 4000, 'LOG', 300)),
      cluster.query(burst('right', 500, 'WARNING', 300)),
    ])
    listener.cut()
    await writing
  }
  await waitUntil(
    () => stat(cluster),
    ({ held }) => held === 0,
    'all to be acknowledged',
  )
  const rows = await cluster.query(
    `SELECT severity, emitted, acknowledged, held, dropped FROM pgturret_stat_severity WHERE emitted > 0`,
  )
  for (const row of rows.split('\n')) {
    const [severity = '', ...numbers] = row.split('|')
    const [emitted, acknowledged, held, dropped] = numbers.map(Number)
    expect(emitted).toBe(acknowledged! + held! + dropped!)
    const mine = (elevel: number) => severityOf(major, elevel) === severity
    const received = listener.records.filter(({ fields }) => mine(Number(fields.ELevel))).length
    const lost = listener.drops.filter(({ elevel }) => mine(elevel))
    expect([severity, received]).toEqual([severity, acknowledged!])
    expect([severity, lost.reduce((sum, { count }) => sum + Number(count), 0)]).toEqual([severity, dropped!])
  }
  expect(listener.complaints).toEqual([])
})

test('a record over max_record_size is cut between characters and says so', async () => {
  cluster.set('pgturret.max_record_size', '8kB')
  cluster.reload()
  await waitUntil(
    () => cluster.query('SHOW pgturret.max_record_size'),
    (value) => value === '8kB',
    'the reload',
  )
  await cluster.query(`DO $$ BEGIN RAISE LOG 'cut %', repeat('ü€', 20000); END $$`)
  await arrival(listener, 'cut ü')
  const { fields } = listener.records.find(({ fields }) => String(fields.ErrMessage).startsWith('cut'))!
  expect(fields.Flags).toBe(1)
  expect(Number(fields.OriginalBytes)).toBeGreaterThan(100_000)
  expect(String(fields.ErrMessage)).toMatch(/^cut (ü€)+ü?$/)
  expect(String(fields.ErrMessage).length).toBeGreaterThan(2000)
})
