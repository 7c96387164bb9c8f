import { describe, expect, test } from 'bun:test'
import type { LogFields } from '../../src/codec/log.ts'
import { PrettyEncoder } from '../../src/render/pretty.ts'
import { recordOf, type Surroundings } from '../record/records.ts'
import { encoded } from './encoded.ts'
import { BASE } from './pretty-text.ts'

/** Several records in one encoder. */
function shown(encoder: PrettyEncoder, records: readonly (LogFields & { around?: Surroundings })[]): string {
  return records
    .map(({ around, ...fields }) => encoded(encoder, recordOf({ ...BASE, ...fields }, around)))
    .join('')
}

describe('--time relative', () => {
  const at = (millis: number, text = '12:00:00.000'): LogFields => ({
    TimeMicros: BigInt(1772366400000 + millis) * 1000n,
    LogTime: `2026-03-01 ${text} UTC`,
  })
  const relative = () => new PrettyEncoder({ color: false, time: 'relative' })

  test('is what has gone by, and the clock after a long gap', () => {
    const times = [at(0), at(1), at(1235), at(1200), at(61_199), at(61_199 + 125_000, '12:03:06.199'), at(0)]
    expect(shown(relative(), times)).toBe(`── 2026-03-01 12:00:00.000 UTC
 +0.000 LOG     etl@shop 3611 hello
 +0.001 LOG     etl@shop 3611 hello
 +1.234 LOG     etl@shop 3611 hello
 -0.035 LOG     etl@shop 3611 hello
+59.999 LOG     etl@shop 3611 hello
── 2026-03-01 12:03:06.199 UTC, 2 min 5 s later
 +0.000 LOG     etl@shop 3611 hello
── 2026-03-01 12:00:00.000 UTC, 3 min 6 s earlier
 +0.000 LOG     etl@shop 3611 hello
`)
  })

  test.each([
    [60_000, '1 min later'],
    [3_600_000, '1 h later'],
    [90_061_000, '1 d 1 h later'],
    [86_460_000, '1 d later'],
  ])('a gap of %d ms', (gap, words) => {
    expect(shown(relative(), [at(0), at(gap)])).toContain(`, ${words}\n +0.000 `)
  })

  test('stays the server’s clock where a record does not tell', () => {
    const around = { protocol: 1 } as const
    expect(shown(relative(), [{ LogTime: '2026-03-01 12:00:00.001 IST', around }])).toBe(
      '── 2026-03-01 IST\n12:00:00.001 LOG     etl@shop 3611 hello\n',
    )
  })
})

describe('the server’s name', () => {
  const of = (identity: string): LogFields & { around: Surroundings } => ({ around: { identity } })

  test('is not there as long as there is one', () => {
    const text = shown(new PrettyEncoder({ color: false }), [of('a'), of('a')])
    expect(text).toBe(
      '── 2026-03-01 UTC\n12:00:00.001 LOG     etl@shop 3611 hello\n12:00:00.001 LOG     etl@shop 3611 hello\n',
    )
  })

  test('is, from the second one on', () => {
    const text = shown(new PrettyEncoder({ color: false }), [
      of('first'),
      of('日本\x1b'),
      of('first'),
      of(''),
    ])
    expect(text).toBe(`── 2026-03-01 UTC
12:00:00.001 LOG     etl@shop 3611 hello
── several servers from here on; what is above is of first
12:00:00.001 LOG     日本\\x1b etl@shop 3611 hello
12:00:00.001 LOG     first    etl@shop 3611 hello
12:00:00.001 LOG     -        etl@shop 3611 hello
`)
  })
})
