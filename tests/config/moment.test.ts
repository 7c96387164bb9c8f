import { expect, test } from 'bun:test'
import { parseMoment } from '../../src/config/moment.ts'
import { selectionOptions, selectionProblems } from '../../src/config/selection-options.ts'

const now = new Date(2026, 10, 21, 14, 30, 15, 250)
const local = (year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number =>
  new Date(year, month, day, hour, minute, second).getTime() * 1000

test.each<[string, number | undefined]>([
  ['now', now.getTime() * 1000],
  ['10m', (now.getTime() - 600_000) * 1000],
  ['10m ago', (now.getTime() - 600_000) * 1000],
  ['90d', (now.getTime() - 90 * 86_400_000) * 1000],
  ['today', local(2026, 10, 21)],
  ['Yesterday', local(2026, 10, 20)],
  ['08:30', local(2026, 10, 21, 8, 30)],
  ['23:59:59.5', local(2026, 10, 21, 23, 59, 59) + 500_000],
  ['2026-11-20', local(2026, 10, 20)],
  ['2026-11-20 02:00', local(2026, 10, 20, 2)],
  ['2026-11-20T02:00:30', local(2026, 10, 20, 2, 0, 30)],
  ['2026-11-21T02:00Z', Date.UTC(2026, 10, 21, 2) * 1000],
  ['2026-11-21T02:00:00.123456Z', Date.UTC(2026, 10, 21, 2) * 1000 + 123456],
  ['2026-11-21 02:00:00.123 UTC', Date.UTC(2026, 10, 21, 2) * 1000 + 123000],
  ['2026-11-21T02:00:00+05:30', Date.UTC(2026, 10, 20, 20, 30) * 1000],
  ['2026-11-21T02:00-0330', Date.UTC(2026, 10, 21, 5, 30) * 1000],
  ['2026-11-21 02:00:00+01', Date.UTC(2026, 10, 21, 1) * 1000],
  ['', undefined],
  ['10', undefined],
  ['24:00', undefined],
  ['08:60', undefined],
  ['2026-02-30', undefined],
  ['2026-13-01T00:00Z', undefined],
  ['2026-11-21T25:00Z', undefined],
  ['21.11.2026', undefined],
  ['tomorrow', undefined],
  [`${'9'.repeat(300)}d`, undefined],
])('%p', (text, micros) => expect(parseMoment(text, now.getTime())).toBe(micros))

test('an end before the beginning is refused, in words', () => {
  const read = (since: string, until: string) => selectionProblems(selectionOptions.parse({ since, until }))
  expect(read('yesterday', 'today')).toEqual([])
  expect(read('2026-11-21T02:00Z', '2026-11-21T01:00Z')).toEqual([
    '--until: 2026-11-21T01:00:00.000Z is not after --since, 2026-11-21T02:00:00.000Z: there can be no record between them',
  ])
})

test.each([
  [{ since: 'soon' }, 'expected a moment such as 10m (ago), today'],
  [{ sqlstate: ['uniqe_violation'] }, 'did you mean unique_violation?'],
  [{ sqlstate: ['23505x'] }, 'expected a code such as 23505, a class such as 23*'],
  [{ grep: '(' }, 'the regular expression cannot be read'],
  [{ grep: '' }, 'is not empty'],
  [{ filter: 'dbnam == "x"' }, 'did you mean dbname?'],
  [{ pid: ['x'] }, 'a whole number'],
  [{ slow: '250' }, 'a time such as 250ms'],
])('%p is refused', (given, said) => {
  const { error } = selectionOptions.safeParse(given)
  expect(error?.issues.map(({ message }) => message).join()).toContain(said)
})

test('what is read is what a selection takes', () => {
  const read = selectionOptions.parse({
    ...{ level: 'warning', db: ['a', 'b'], sqlstate: ['23*', '40p01'], pid: ['12'], slow: '1.5s' },
    ...{ since: '2026-11-21T02:00Z', filter: 'true' },
  })
  expect(read).toEqual({
    ...{ level: 8, noLogLevel: false, db: ['a', 'b'], sqlstate: ['23*', '40p01'], pid: [12], slow: 1500 },
    ...{ since: Date.UTC(2026, 10, 21, 2) * 1000, filter: 'true' },
  })
})
