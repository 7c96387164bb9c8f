import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../../src/codec/log.ts'
import { timeMicros } from '../../../src/record/log-time.ts'
import { eventSchema } from '../../../src/record/schema.ts'
import type { RecordView } from '../../../src/record/view.ts'
import { DATA_COLUMNS, DataRowEncoder, MOST_EVENT_BYTES } from '../../../src/render/pg-copy/data-row.ts'
import { FIELD_COLUMNS, FieldRowEncoder } from '../../../src/render/pg-copy/field-row.ts'
import { jsonOf, recordOf } from '../../record/records.ts'
import { anyFields } from '../arbitrary.ts'
import { encoded } from '../encoded.ts'
import { namedRow } from './rows.ts'

type Canonical = Record<string, string | number | boolean>

const canonical = (record: RecordView): Canonical => JSON.parse(jsonOf(record))
const dataRow = (record: RecordView) => namedRow(encoded(new DataRowEncoder(), record), DATA_COLUMNS)
const fieldRow = (record: RecordView) => namedRow(encoded(new FieldRowEncoder(), record), FIELD_COLUMNS)

const BASE: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  TimeMicros: 1_772_366_400_001_234n,
  SessionStartMicros: 1_772_366_282_000_000n,
  ELevel: 15,
  SessionId: '69a43c00.8d12',
  Encoding: 'UTF8',
  ErrMessage: 'hello',
}

const anyRecord = fc
  .tuple(
    anyFields(fc.constantFrom('UTF8', 'SQL_ASCII', 'LATIN1', 'SJIS', 'nonsense')),
    fc.constantFrom(1, 2),
    fc.constantFrom('', 'shop', 'a "b" \\ c'),
    fc.bigInt({ min: 1n, max: 2n ** 60n }),
  )
  .map(([fields, protocol, identity, sequence]) =>
    recordOf(fields, {
      protocol: protocol as 1 | 2,
      identity,
      ...(protocol === 2 && { bootId: 7n, sequence }),
    }),
  )

/** Numbers as they are written: a parsed one has lost digits. */
const numbersOf = (record: RecordView): Record<string, string> =>
  Object.fromEntries(
    [...jsonOf(record).matchAll(/"(\w+)":(-?[\d.]+)(?=[,}])/g)].map(([, name, digits]) => [name!, digits!]),
  )

/** The text that a row holds for a value of the canonical JSON. */
const textOf = (value: string | number | boolean | undefined) =>
  value === undefined ? undefined : String(value)

describe('a row with data', () => {
  test('holds every field of the event once', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const whole = canonical(record)
        const { timestamp, level, event, func, scope, uid, session_start, data, ...numbers } = dataRow(record)
        const rest = JSON.parse(data!) as Canonical
        const written = numbersOf(record)
        for (const [name, text] of Object.entries(numbers))
          expect(text).toBe(written[name] ?? textOf(whole[name])!)
        if (session_start === undefined) expect(rest['session_start']).toBe(whole['session_start']!)
        else expect(rest).not.toHaveProperty('session_start')
        expect(timestamp).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/)
        const cut = 'message' in rest
        if (cut) expect(event).toEndWith('…')
        const back = {
          ...(timeMicros(record) !== undefined && { timestamp: whole['timestamp'] }),
          error_severity: level,
          ...(!cut && whole['message'] !== undefined && { message: event }),
          ...(func !== undefined && { func_name: func }),
          uid,
          ...(session_start !== undefined && { session_start: whole['session_start'] }),
          ...Object.fromEntries(Object.keys(numbers).map((name) => [name, whole[name]])),
          ...rest,
        }
        // A log time that is sent as it is stands in its column, and nowhere else.
        expect<object>({ timestamp: whole['timestamp'], ...back }).toEqual(whole)
        expect(scope).toBe(scopeOf(whole))
      }),
      { numRuns: 400 },
    )
  })

  test('numbers keep all their digits', () => {
    const record = recordOf({ ...BASE, Txid: 9_007_199_254_740_993n, QueryId: -(2n ** 63n) })
    const { txid, data } = dataRow(record)
    expect(txid).toBe('9007199254740993')
    expect(data).toContain('"query_id":-9223372036854775808')
  })

  test('data has the order in which PostgreSQL keeps it', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const keys = Object.keys(JSON.parse(dataRow(record)['data']!))
        expect(keys).toEqual(keys.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1)))
      }),
    )
  })

  test('the session began when it began; where PostgreSQL could not tell when, data has what was said', () => {
    expect(dataRow(recordOf(BASE))['session_start']).toBe('2026-03-01 11:58:02.000000+00')
    const odd = dataRow(recordOf({ ...BASE, SessionStart: '2026-03-01 11:58:02 XYZ' }, { protocol: 1 }))
    expect(odd['session_start']).toBeUndefined()
    expect(JSON.parse(odd['data']!)['session_start']).toBe('2026-03-01 11:58:02 XYZ')
  })

  test('the time is the time of the message, with microseconds', () => {
    expect(dataRow(recordOf(BASE))['timestamp']).toBe('2026-03-01 12:00:00.001234+00')
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }), (micros) => {
        const { timestamp } = dataRow(recordOf({ ...BASE, TimeMicros: BigInt(micros) }))
        const ms = Math.floor(micros / 1000)
        const said = timestamp!.replace(' ', 'T').replace(/\d{3}\+00$/, 'Z')
        expect(said).toBe(new Date(ms).toISOString())
        expect(Number(timestamp!.slice(-6, -3))).toBe(micros % 1000)
      }),
    )
  })

  test('a time in a zone that only PostgreSQL knows is left to it; another is the time of now, and stays in data', () => {
    const at = (LogTime: string) => dataRow(recordOf({ ...BASE, LogTime }, { protocol: 1 }))
    expect(at('2026-03-01 12:00:00.001 CET')['timestamp']).toBe('2026-03-01 11:00:00.001000+00')
    expect(at('2026-03-01 12:00:00.001 +0530')['timestamp']).toBe('2026-03-01 06:30:00.001000+00')
    expect(at('2026-03-01 12:00:00.001 CST')['timestamp']).toBe('2026-03-01 12:00:00.001 CST')
    for (const odd of ['2026-03-01 12:00:00.001 XYZ', 'yesterday', '2026-13-01 12:00:00.001 CET']) {
      const { timestamp, data } = at(odd)
      expect(
        Math.abs(Date.parse(timestamp!.replace(' ', 'T').replace('+00', 'Z')) - Date.now()),
      ).toBeLessThan(60_000)
      expect(JSON.parse(data!)['timestamp']).toBe(odd)
    }
  })

  test('a message is cut where the index would refuse it, at a character; data has it whole', () => {
    const fits = 'é'.repeat(MOST_EVENT_BYTES / 2)
    const whole = dataRow(recordOf({ ...BASE, ErrMessage: fits }))
    expect(whole['event']).toBe(fits)
    expect(JSON.parse(whole['data']!)).not.toHaveProperty('message')
    const cut = dataRow(recordOf({ ...BASE, ErrMessage: `x${fits}` }))
    expect(cut['event']).toBe(`x${'é'.repeat(MOST_EVENT_BYTES / 2 - 1)}…`)
    expect(JSON.parse(cut['data']!)['message']).toBe(`x${fits}`)
  })

  test('text that looks like the end of data, or like nothing, is text', () => {
    for (const hard of ['\\.', '\\N', 'a\\', '\\\\', '\t\n\r', '","message":"', '{"a":"\\"}'])
      expect(dataRow(recordOf({ ...BASE, ErrMessage: hard, ErrDetail: hard }))).toMatchObject({
        event: hard,
        data: expect.stringContaining(JSON.stringify(hard).slice(1, -1)),
      })
  })
})

describe('a row with a column for each field', () => {
  test('has the columns of the event, in its order', () => {
    expect(FIELD_COLUMNS.map(({ name }) => name) as string[]).toEqual(Object.keys(eventSchema.shape))
  })

  test('holds every field of the event', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const whole = canonical(record)
        const row = fieldRow(record)
        const numbers = numbersOf(record)
        const texts = Object.fromEntries(Object.entries(whole).map(([name, one]) => [name, textOf(one)]))
        const { timestamp: _, session_start: __, ...expected } = { ...texts, ...numbers }
        const { timestamp, session_start: ___, ...rest } = row
        expect(timestamp).toMatch(/^\d{4}-\d\d-\d\d /)
        expect(rest).toEqual(expected as Record<string, string>)
      }),
      { numRuns: 200 },
    )
  })
})

/** `identity/database`, or the one of them that there is. */
function scopeOf({ identity, dbname }: Canonical): string | undefined {
  if (identity === '') return textOf(dbname)
  return dbname === undefined ? textOf(identity) : `${identity}/${dbname}`
}
