import { expect, test } from 'bun:test'
import { parseLogTime, sessionStartMicros, timeMicros } from '../../src/record/log-time.ts'
import { recordOf } from './records.ts'

const NOON = Date.UTC(2026, 2, 1, 12) * 1000

test.each([
  ['2026-03-01 12:00:00.001 UTC', NOON + 1000],
  ['2026-03-01 12:00:00 GMT', NOON],
  ['2026-03-01 13:00:00.000 CET', NOON],
  ['2026-03-01 14:00:00.000 +02', NOON],
  ['2026-03-01 17:30:00.000 +05:30', NOON],
  ['2026-03-01 08:30:00.000 -0330', NOON],
  ['2026-03-01 07:00:00.000 EST', NOON],
  ['2026-03-01 17:30:00.000 IST', undefined],
  ['2026-03-01 12:00:00.001', undefined],
  ['yesterday', undefined],
  ['', undefined],
  ['999999-03-01 12:00:00.001 UTC', undefined],
])('%p', (text, micros) => expect(parseLogTime(text)).toBe(micros))

test('logfebe-2 says it in microseconds, logfebe-1 in words', () => {
  const fields = {
    LogTime: '2026-03-01 12:00:00.001 UTC',
    SessionStart: '2026-03-01 11:00:00 UTC',
    TimeMicros: 1234567890123456n,
    SessionStartMicros: -1n,
  }
  expect(timeMicros(recordOf(fields))).toBe(1234567890123456)
  expect(sessionStartMicros(recordOf(fields))).toBe(-1)
  expect(timeMicros(recordOf({ ...fields, TimeMicros: 2n ** 62n }))).toBeUndefined()
  const old = recordOf(fields, { protocol: 1 })
  expect(timeMicros(old)).toBe(NOON + 1000)
  expect(sessionStartMicros(old)).toBe(NOON - 3600_000_000)
  expect(timeMicros(old)).toBe(NOON + 1000)
})
