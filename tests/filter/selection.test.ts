import { describe, expect, test } from 'bun:test'
import { FRAME_HEADER_BYTES } from '../../src/codec/frame.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import { elevelOf, parseSeverity } from '../../src/codec/severity.ts'
import { compileSelection, type Selection } from '../../src/filter/selection.ts'
import { RecordView } from '../../src/record/view.ts'
import { recordOf, type Surroundings, sourceOf } from '../record/records.ts'

const BASE: LogFields = {
  LogTime: '2026-11-21 02:00:00.000 UTC',
  UserName: 'app',
  DatabaseName: 'shop',
  Pid: 4711,
  SessionId: '69a43c00.8d12',
  ELevel: elevelOf(15, 'ERROR'),
  SQLState: '23505',
  ErrMessage: 'duplicate key',
  ErrDetail: 'Key (id)=(1) already exists.',
  ErrHint: 'Try another.',
  ErrContext: 'SQL function "f"',
  UserQuery: 'INSERT INTO orders VALUES (1)',
  InternalQuery: 'SELECT inner_thing()',
  ApplicationName: 'web',
  TimeMicros: 1795226400000000n,
  Encoding: 'UTF8',
}
const MICROS = 1795226400000000

const wants = (selection: Selection, fields: LogFields = {}, around: Surroundings = {}): boolean => {
  const test = compileSelection(selection)
  return test === undefined || test(recordOf({ ...BASE, ...fields }, around))
}

test('nothing costs nothing', () => {
  for (const selection of [{}, { level: 0 }, { db: [], pid: [], noLogLevel: false }]) {
    expect(compileSelection(selection)).toBeUndefined()
  }
})

describe('each option', () => {
  test.each<[Selection, LogFields]>([
    [{ level: parseSeverity('ERROR')! }, { ELevel: elevelOf(15, 'WARNING') }],
    [{ noLogLevel: true }, { ELevel: elevelOf(15, 'LOG') }],
    [{ db: ['shop'] }, { DatabaseName: 'shop2' }],
    [{ db: ['x', 'shop'] }, { DatabaseName: null }],
    [{ user: ['app'] }, { UserName: 'App' }],
    [{ app: ['web', 'batch'] }, { ApplicationName: '' }],
    [{ pid: [1, 4711] }, { Pid: 2 }],
    [{ session: ['69a43c00.8d12'] }, { SessionId: '69a43c00.8d1' }],
    [{ sqlstate: ['23505'] }, { SQLState: '23503' }],
    [{ sqlstate: ['23*'] }, { SQLState: '40001' }],
    [{ sqlstate: ['unique_violation'] }, { SQLState: '23503' }],
    [{ sqlstate: ['40001', 'unique_violation'] }, { SQLState: null }],
    [{ grep: 'duplicate' }, { ErrMessage: 'x' }],
    [{ grep: 'already exists' }, { ErrDetail: null }],
    [{ grep: '^Try' }, { ErrHint: 'Do not try' }],
    [{ grep: 'function "f"' }, { ErrContext: 'x' }],
    [{ grep: '(?i)insert into ORDERS' }, { UserQuery: 'x' }],
    [{ grep: 'inner_.*g' }, { InternalQuery: null }],
    [{ filter: 'user == "app"' }, { UserName: null }],
    [{ since: MICROS }, { TimeMicros: BigInt(MICROS - 1) }],
    [{ until: MICROS + 1 }, { TimeMicros: BigInt(MICROS + 1) }],
  ])('%p', (selection, other) => {
    expect(wants(selection)).toBe(true)
    expect(wants(selection, other)).toBe(false)
  })

  test('slow', () => {
    const duration = { ErrMessage: 'duration: 250.000 ms', MessageId: 'duration: %s ms' }
    expect(wants({ slow: 250 }, duration)).toBe(true)
    expect(wants({ slow: 251 }, duration)).toBe(false)
    expect(wants({ slow: 0 })).toBe(false)
  })

  test('LOG has a switch of its own', () => {
    const log = { ELevel: elevelOf(15, 'LOG') }
    const rank = (name: string) => parseSeverity(name)!
    expect(wants({ level: rank('NOTICE') }, log)).toBe(true)
    expect(wants({ level: rank('NOTICE'), noLogLevel: true }, log)).toBe(false)
    expect(wants({ level: rank('NOTICE'), noLogLevel: true }, { ELevel: elevelOf(15, 'NOTICE') })).toBe(true)
    expect(wants({ level: rank('WARNING'), noLogLevel: true })).toBe(true)
  })

  test('a condition of two codes', () => {
    for (const SQLState of ['22004', '39004']) {
      expect(wants({ sqlstate: ['null_value_not_allowed'] }, { SQLState })).toBe(true)
    }
  })
})

test('options combine', () => {
  const all: Selection = {
    ...{ level: parseSeverity('ERROR')!, db: ['shop'], user: ['app'], app: ['web'], sqlstate: ['23*'] },
    ...{
      pid: [4711],
      session: ['69a43c00.8d12'],
      grep: 'key',
      filter: 'has(hint)',
      since: 0,
      until: MICROS + 1,
    },
  }
  expect(wants(all)).toBe(true)
  for (const other of [
    { DatabaseName: 'x' },
    { UserName: 'x' },
    { ErrHint: null },
    { Pid: 1 },
    { SQLState: '42601' },
  ]) {
    expect(wants(all, other)).toBe(false)
  }
})

test('a record that does not say its time is wanted', () => {
  const unknown = { LogTime: '2026-11-21 02:00:00.000 IST' }
  expect(wants({ since: MICROS + 1 }, unknown, { protocol: 1 })).toBe(true)
  expect(wants({ since: MICROS + 1 }, {}, { protocol: 1 })).toBe(false)
  expect(wants({ since: MICROS }, {}, { protocol: 1 })).toBe(true)
})

describe('a record whose head is all that can be found', () => {
  const cut = (fields: LogFields = {}): RecordView => {
    const frame = encodeLog({ ...BASE, ...fields }, 2)
    const record = new RecordView()
    record.source = sourceOf()
    record.reset(frame, FRAME_HEADER_BYTES, frame.length - 20)
    if (!record.walkHead() || record.walk()) throw new Error('it should end behind its head')
    record.reset(frame, FRAME_HEADER_BYTES, frame.length - 20)
    record.walkHead()
    return record
  }

  test.each<Selection>([
    { grep: 'nowhere' },
    { app: ['x'] },
    { slow: 1 },
    { since: MICROS + 1 },
    { filter: 'message == "x"' },
  ])('%p: wanted, so that somebody sees the damage', (selection) =>
    expect(compileSelection(selection)!(cut())).toBe(true),
  )

  test('is left out by what its head says', () => {
    expect(compileSelection({ db: ['other'], grep: 'x' })!(cut())).toBe(false)
    expect(compileSelection({ filter: 'message == "x" && dbname == "other"' })!(cut())).toBe(false)
    expect(compileSelection({ filter: 'message == "x" || dbname == "other"' })!(cut())).toBe(true)
  })
})
