import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { roomOf } from '../../src/record/room.ts'
import type { RecordView } from '../../src/record/view.ts'
import { AxiomHead } from '../../src/render/axiom-head.ts'
import { DatadogHead } from '../../src/render/datadog-head.ts'
import { HeadedJsonEncoder } from '../../src/render/headed-json.ts'
import { anyInt64 } from '../codec/log-fields.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { jsonOf, recordOf, type Surroundings } from '../record/records.ts'

const GUARD = 0xa5

/** One line between guard bytes, which must stay. */
function lineOf(encoder: HeadedJsonEncoder, record: RecordView): string {
  const room = encoder.room(record)
  const out = new Uint8Array(8 + room + 64).fill(GUARD)
  const end = encoder.encode(record, roomOf(out), 8)
  expect(end - 8).toBeLessThanOrEqual(room)
  expect([...out.subarray(0, 8), ...out.subarray(8 + room)].every((byte) => byte === GUARD)).toBe(true)
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.subarray(8, end))
}

const surroundings = fc.record({
  server: fc.constantFrom('13.1', '15.20 (Debian "x")'),
  identity: fc.string({ unit: 'binary' }).map((one) => one.toWellFormed().replaceAll('\0', '')),
  bootId: fc.option(anyInt64, { nil: undefined }),
  sequence: fc.constantFrom(-1n, 0n, 7n, 2n ** 60n),
}) as fc.Arbitrary<Surroundings>

const limits = { mostBytes: 1_000_000, mostText: 1_000_000 }

for (const protocol of [1, 2] as const) {
  const records = fc
    .tuple(anyRecordFields(protocol), surroundings)
    .map(([fields, around]) => recordOf(fields, { ...around, protocol }))

  test(`Axiom's event is the canonical one with a time and a level, in logfebe-${protocol}`, () => {
    const encoder = new HeadedJsonEncoder({ head: new AxiomHead(), ...limits })
    fc.assert(
      fc.property(records, (record) => {
        const { _time, level, ...rest } = JSON.parse(lineOf(encoder, record))
        expect(rest).toEqual(JSON.parse(jsonOf(record)))
        expect(['debug', 'info', 'warn', 'error', 'fatal']).toContain(level)
        if (_time !== undefined) expect(new Date(_time).toISOString()).toBe(`${_time.slice(0, -4)}Z`)
      }),
      { numRuns: 300 },
    )
  })

  test(`Datadog's log is the canonical one by other names, in logfebe-${protocol}`, () => {
    const head = new DatadogHead({ service: 'shop "db"', tags: 'a:b' })
    const encoder = new HeadedJsonEncoder({ head, timestampAs: 'logged_at', ...limits })
    fc.assert(
      fc.property(records, (record) => {
        const log = JSON.parse(lineOf(encoder, record))
        const { timestamp: time, message, ...canonical } = JSON.parse(jsonOf(record))
        expect(log).toMatchObject({ ...canonical, logged_at: time, message: message ?? '' })
        expect(log).toMatchObject({ ddsource: 'postgresql', service: 'shop "db"', ddtags: 'a:b' })
        expect(log.timestamp === undefined || Number.isInteger(log.timestamp)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test(`none is larger than it may be, in logfebe-${protocol}`, () => {
    const encoder = new HeadedJsonEncoder({ head: new AxiomHead(), mostBytes: 4000, mostText: 400 })
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 4000 }), (record, length) => {
        const identity = 'shop'
        const long = recordOf(
          { ...textsOf(length), ELevel: 21, SQLState: '22012' },
          { protocol, identity, bootId: 1n, sequence: 1n },
        )
        for (const one of [long, record]) {
          const line = lineOf(encoder, one)
          JSON.parse(line)
          if (one === long) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4001)
        }
      }),
      { numRuns: 100 },
    )
  })
}

const textsOf = (length: number) =>
  Object.fromEntries(
    ['ErrMessage', 'ErrDetail', 'ErrHint', 'ErrContext', 'UserQuery', 'InternalQuery'].map((name, i) => [
      name,
      ['x', 'ä', '"', '\u0001', '🐘', '\n'][i]!.repeat(length),
    ]),
  )
