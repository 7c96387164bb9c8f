import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Field } from '../../../src/codec/fields.ts'
import { roomOf } from '../../../src/record/room.ts'
import type { RecordView } from '../../../src/record/view.ts'
import { itemsAt, SentryItemEncoder, type SentryItemOptions } from '../../../src/render/sentry/items.ts'
import { anyInt64 } from '../../codec/log-fields.ts'
import { anyRecordFields } from '../../record/arbitrary.ts'
import { jsonOf, recordOf, type Surroundings } from '../../record/records.ts'

const GUARD = 0xa5
const NOW = 1_772_366_400_000_001

const optionsOf = (own: Partial<SentryItemOptions> = {}): SentryItemOptions => ({
  events: 'error',
  logs: 'all',
  samplePercent: 100,
  environment: 'production',
  release: undefined,
  serverName: undefined,
  shown: { sql: true, pii: true },
  now: () => NOW,
  ...own,
})

/** What a record becomes, written between guard bytes, which must stay. */
function itemsOf(encoder: SentryItemEncoder, record: RecordView) {
  const room = encoder.room(record)
  const out = new Uint8Array(8 + room + 64).fill(GUARD)
  const end = encoder.encode(record, roomOf(out), 8)
  expect(end - 8).toBeLessThanOrEqual(room)
  expect([...out.subarray(0, 8), ...out.subarray(8 + room)].every((byte) => byte === GUARD)).toBe(true)
  const at = itemsAt(new DataView(out.buffer), 8, end)
  const text = (from: number, to: number) =>
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.subarray(from, to))
  expect(out[end - 2]).toBe(0x2c)
  return {
    event: at.log === at.event ? undefined : JSON.parse(text(at.event, at.log)),
    log: JSON.parse(text(at.log, at.end - 1)),
  }
}

const surroundings = fc.record({
  server: fc.constantFrom('13.1', '15.20 (Debian "x")'),
  identity: fc.string({ unit: 'binary' }).map((one) => one.toWellFormed().replaceAll('\0', '')),
  bootId: fc.option(anyInt64, { nil: undefined }),
  sequence: fc.constantFrom(-1n, 0n, 7n, 2n ** 40n, 2n ** 60n),
}) as fc.Arbitrary<Surroundings>

const ID = /^(?!0{32})[0-9a-f]{32}$/

for (const protocol of [1, 2] as const) {
  const records = fc
    .tuple(anyRecordFields(protocol), surroundings)
    .map(([fields, around]) => recordOf(fields, { ...around, protocol }))

  test(`every record becomes a log item, and an error an event with the record, in logfebe-${protocol}`, () => {
    const encoder = new SentryItemEncoder(optionsOf())
    fc.assert(
      fc.property(records, (record) => {
        const { event, log } = itemsOf(encoder, record)
        const severity = record.severity()
        expect(event !== undefined).toBe(['ERROR', 'FATAL', 'PANIC'].includes(severity))
        expect(log.body).toBe(record.text(Field.ErrMessage) ?? '')
        expect(log.trace_id).toMatch(ID)
        expect(log.attributes['pgturret.event'] !== undefined).toBe(event !== undefined)
        if (event === undefined) return
        expect(event.extra).toEqual(JSON.parse(jsonOf(record)))
        expect(event.event_id).toMatch(ID)
        expect(event.contexts.trace.trace_id).toBe(log.trace_id)
        expect(Object.values(event.tags)).not.toContain('')
      }),
      { numRuns: 300 },
    )
  })

  test(`the record itself stays as it was, in logfebe-${protocol}`, () => {
    const encoder = new SentryItemEncoder(optionsOf({ shown: { sql: false, pii: false } }))
    fc.assert(
      fc.property(records, (record) => {
        const before = [...record.spans]
        const { event, log } = itemsOf(encoder, record)
        expect([...record.spans]).toEqual(before)
        for (const name of ['user.name', 'client.address', 'db.query.text', 'postgresql.context'])
          expect(log.attributes[name]).toBeUndefined()
        for (const name of ['user', 'remote_host', 'statement', 'internal_query', 'context'])
          expect(event?.extra[name]).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
}

test('ids are those of the record: the same when it is read again, others for others', () => {
  const idOf = (sequence: bigint, around: Surroundings = {}): string =>
    itemsOf(
      new SentryItemEncoder(optionsOf()),
      recordOf({ ELevel: 21, SessionId: 'a', SeqNum: sequence }, { bootId: 0xffn, sequence, ...around }),
    ).event.event_id
  expect(idOf(1n)).toBe('00000000000000ff0000000000000001')
  expect(idOf(2n ** 40n + 10n)).toBe('00000000000000ff000001000000000a')
  const older = { bootId: undefined, sequence: -1n, protocol: 1 } as unknown as Surroundings
  expect(idOf(1n, older)).toBe(idOf(1n, older))
  expect(idOf(1n, older)).not.toBe(idOf(2n, older))
  expect(idOf(1n, older)).not.toBe(idOf(1n, { ...older, identity: 'other' }))
})

test.each([
  ['plain text', 'x', 'f, a.c:1'],
  ['text that escapes', '\u0001', 'f, a.c:1'],
  ['text of several bytes a character, four times over', 'ä', null],
])('no item of %s is larger than Sentry takes', (_, unit, FileErrPos) => {
  const text = unit.repeat(220_000)
  const texts = { ErrMessage: text, ErrDetail: text, ErrHint: text, UserQuery: text, ErrContext: text }
  const record = recordOf({ ...texts, ELevel: 21, FileErrPos })
  const { event, log } = itemsOf(new SentryItemEncoder(optionsOf()), record)
  for (const item of [event, log])
    expect(Buffer.byteLength(JSON.stringify(item))).toBeLessThanOrEqual(1_000_000)
  expect(event.extra.truncated).toBe(true)
})

type Items = ReturnType<typeof itemsOf>

test.each([
  ['an event', { ELevel: 21, MessageId: 'x' }, ({ event }: Items) => event, 1_000_000],
  // With the comma behind it.
  ['a log item', { ELevel: 15 }, ({ log }: Items) => log, 999_999],
])('%s that is just as large as Sentry takes is left, one byte more is cut', (_, fields, pick, most) => {
  const encoder = new SentryItemEncoder(optionsOf())
  const of = (length: number) =>
    JSON.stringify(pick(itemsOf(encoder, recordOf({ ...fields, ErrMessage: 'x'.repeat(length) }))))
  // An event has its message more than once.
  const perByte = of(1001).length - of(1000).length
  const length = 1000 + Math.floor((most - of(1000).length) / perByte)
  expect(of(length).length).toBeGreaterThan(most - perByte)
  expect(of(length)).not.toContain('truncated')
  expect(of(length + 1)).toContain('…[truncated]')
})
