import { describe, expect, test } from 'bun:test'
import { PrettyEncoder } from '../../src/render/pretty.ts'
import { recordOf } from '../record/records.ts'
import { encoded } from './encoded.ts'
import { BASE, prettyAll } from './pretty-text.ts'

describe('time', () => {
  test('a line tells the day and the zone when they change', () => {
    const times = [
      '2026-03-01 23:59:59.999 CET',
      '2026-03-02 00:00:00.000 CET',
      '2026-03-02 00:00:00.001 CET',
    ]
    const text = prettyAll([...times, '2026-03-02 03:00:00.000 CEST'].map((LogTime) => ({ LogTime })))
    expect(text.split('\n').map((line) => line.slice(0, 18).trim())).toEqual([
      ...[
        '── 2026-03-01 CET',
        '23:59:59.999 LOG',
        '── 2026-03-02 CET',
        '00:00:00.000 LOG',
        '00:00:00.001 LOG',
      ],
      ...['── 2026-03-02 CEST', '03:00:00.000 LOG', ''],
    ])
  })

  test('of another form is shown as it is', () => {
    const texts = ['', 'yesterday\x1b[2J', 'y'.repeat(500)].map((LogTime) => prettyAll([{ LogTime }]))
    expect(texts).toEqual([
      ' LOG     etl@shop 3611 hello\n',
      'yesterday\\x1b[2J LOG     etl@shop 3611 hello\n',
      `${'y'.repeat(64)}… LOG     etl@shop 3611 hello\n`,
    ])
  })

  test.each([
    ['logfebe-2, by its microseconds', '2026-03-01 13:00:00.001 CET', 2, '2026-03-01 UTC', '12:00:00.001'],
    ['logfebe-1 in UTC', '2026-03-01 12:00:00.001 GMT', 1, '2026-03-01 UTC', '12:00:00.001'],
    [
      'logfebe-1 in a zone of unknown rules',
      '2026-03-01 13:00:00.001 IST',
      1,
      '2026-03-01 IST',
      '13:00:00.001',
    ],
  ] as const)('in UTC: %s', (_, LogTime, protocol, day, time) => {
    const record = recordOf({ ...BASE, LogTime, TimeMicros: 1772366400001999n }, { protocol })
    const text = encoded(new PrettyEncoder({ color: false, time: 'utc' }), record)
    expect(text).toStartWith(`── ${day}\n${time} LOG`)
  })

  test.each([-1n, 2n ** 63n - 1n])(
    'microseconds that no log has (%d) leave the time the server’s',
    (micros) => {
      const text = prettyAll([{ TimeMicros: micros }], { color: false, time: 'utc' })
      expect(text).toStartWith('── 2026-03-01 UTC\n12:00:00.001 LOG')
    },
  )

  test('local is that of this machine, with its offset', () => {
    const micros = 1772366400001999n
    const text = prettyAll([{ TimeMicros: micros }], { color: false, time: 'local' })
    const date = new Date(Number(micros / 1000n))
    const two = (value: number): string => String(value).padStart(2, '0')
    expect(text).toStartWith(`── ${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `)
    expect(text).toContain(`\n${two(date.getHours())}:${two(date.getMinutes())}:00.001 LOG`)
    const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)\n/.exec(text)!
    const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
    expect(offset).toBe(-date.getTimezoneOffset() + 0)
  })
})
