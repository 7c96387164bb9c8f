import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../src/codec/log.ts'
import { timeMicros } from '../../src/record/log-time.ts'
import { uidOf } from '../../src/record/uid.ts'
import { SplunkEventEncoder, type SplunkEventOptions } from '../../src/render/splunk-event.ts'
import { eventsOf, type SplunkEvent } from '../exporters/splunk-fake.ts'
import { anyRecord } from '../record/any-record.ts'
import { jsonOf, recordOf, type Surroundings } from '../record/records.ts'
import { encodedText } from './encoded-lines.ts'

const DEFAULTS: SplunkEventOptions = {
  event: 'record',
  host: undefined,
  source: 'pgturret',
  sourcetype: '_json',
  index: undefined,
}

const FIELDS: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  TimeMicros: 1_772_366_400_001_234n,
  SessionId: '65e0a1.1f',
  SeqNum: 3n,
  ELevel: 15,
  Encoding: 'UTF8',
  DatabaseName: 'Shop Ä',
  ErrMessage: 'hello',
}
const AROUND: Surroundings = { bootId: 7n, sequence: 9n }

function textOf(fields: LogFields, options: Partial<SplunkEventOptions> = {}, around = AROUND): string {
  return encodedText(
    new SplunkEventEncoder({ ...DEFAULTS, ...options }),
    recordOf({ ...FIELDS, ...fields }, around),
  )
}

const eventOf = (...given: Parameters<typeof textOf>): SplunkEvent =>
  eventsOf(Buffer.from(textOf(...given)))[0]!

test('the record is the event, and the time has microseconds', () => {
  const text = textOf({})
  expect(text).toStartWith(
    '{"time":1772366400.001234,"host":"shop","source":"pgturret","sourcetype":"_json","event":{"timestamp":',
  )
  expect(text).toEndWith('}}\n')
})

test.each([
  [1_772_366_400_000_000n, '1772366400.000000'],
  [1_772_366_400_000_001n, '1772366400.000001'],
  [1_772_366_400_999_999n, '1772366400.999999'],
])('%p microseconds are %p', (TimeMicros, expected) => {
  expect(textOf({ TimeMicros })).toStartWith(`{"time":${expected},`)
})

test('a time that nobody knows is left to Splunk', () => {
  expect(textOf({ LogTime: '2026-03-01 12:00:00.001 IST' }, {}, { protocol: 1 })).toStartWith('{"host":')
})

test('the index is made of what the record says', () => {
  expect(eventOf({}, { index: 'pg_{database}_{identity}-{severity}' }).index).toBe('pg_shop___shop-log')
  expect(eventOf({ DatabaseName: null }, { index: 'pg_{database}' }).index).toBe('pg_none')
  expect(eventOf({ DatabaseName: 'x'.repeat(3000) }, { index: '{database}' }).index).toBe('x'.repeat(100))
  expect(eventOf({}, { index: 'main' }).index).toBe('main')
})

test('host, source and type are as they were said', () => {
  const options = { host: 'dé"1', source: 's', sourcetype: 't' }
  expect(eventOf({}, options)).toMatchObject(options)
  expect(eventOf({}, {}, { ...AROUND, identity: '' })).not.toHaveProperty('host')
})

describe('the message as the event', () => {
  test('has the rest as fields', () => {
    const { event, fields } = eventOf(
      {
        SQLState: '23505',
        UserName: 'app',
        ClientAddr: '10.0.0.1:5432',
        ErrDetail: 'why "so"',
        ErrHint: '',
        ErrMessage: 'duration: 12.345 ms  statement: SELECT 1',
        BackendType: 'client backend',
        QueryId: -5n,
        Pid: 7,
      },
      { event: 'message' },
    )
    expect(event).toBe('duration: 12.345 ms  statement: SELECT 1')
    expect(fields).toEqual({
      uid: '0000000000000007-9',
      error_severity: 'LOG',
      state_code: '23505',
      user: 'app',
      dbname: 'Shop Ä',
      session_id: '65e0a1.1f',
      detail: 'why "so"',
      pid: '7',
      remote_host: '10.0.0.1',
      duration_ms: '12.345',
      backend_type: 'client backend',
      query_id: '-5',
    })
  })

  test('is never blank', () => {
    for (const ErrMessage of ['', null])
      expect(eventOf({ ErrMessage }, { event: 'message' }).event).toBe('LOG')
  })
})

describe('any record', () => {
  test('is the canonical one, in its envelope', () => {
    const index = fc.constantFrom(undefined, '{database}-{identity}')
    fc.assert(
      fc.property(anyRecord, index, (record, index) => {
        const text = encodedText(new SplunkEventEncoder({ ...DEFAULTS, index }), record)
        expect(text).toContain(`"event":${jsonOf(record)}}`)
        const { time } = JSON.parse(text) as SplunkEvent
        const micros = timeMicros(record) ?? 0
        if (micros <= 0) expect(time).toBeUndefined()
        else expect(time).toBeCloseTo(micros / 1e6, 5)
      }),
    )
  })

  test('is a message with its unique id', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const text = encodedText(new SplunkEventEncoder({ ...DEFAULTS, event: 'message' }), record)
        const event = JSON.parse(text) as SplunkEvent
        expect(event.event).not.toBe('')
        expect(event.fields!['uid']).toBe(uidOf(record))
        for (const value of Object.values(event.fields!)) expect(value).toBeString()
      }),
    )
  })
})
