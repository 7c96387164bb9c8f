import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../src/codec/log.ts'
import { LogLinePrefix } from '../../src/render/log-line-prefix.ts'
import { makeEncoder } from '../../src/render/make-encoder.ts'
import { recordOf, type Surroundings } from '../record/records.ts'
import { anyFields } from './arbitrary.ts'
import { encoded } from './encoded.ts'

const CLIENT: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 CET',
  UserName: 'etl',
  DatabaseName: 'shop',
  Pid: 3611,
  ClientAddr: '10.0.0.1:5433',
  SessionId: '69a43c00.e1b',
  SeqNum: 7n,
  PsDisplay: 'SELECT',
  SessionStart: '2026-03-01 11:00:00 CET',
  Vxid: '3/4',
  Txid: 5n,
  ELevel: 15,
  SQLState: '00000',
  ErrMessage: '',
  ApplicationName: 'web',
  TimeMicros: 1772362800001234n,
  BackendType: 'client backend',
  LeaderPid: 12,
  QueryId: -3n,
}
const PROCESS: LogFields = {
  ...CLIENT,
  UserName: null,
  DatabaseName: null,
  ClientAddr: null,
  PsDisplay: null,
  Vxid: null,
  ApplicationName: null,
  BackendType: 'checkpointer',
  LeaderPid: 0,
}

function prefix(text: string, fields: LogFields, around: Surroundings = {}): string {
  const line = encoded(makeEncoder('stderr', { logLinePrefix: text }), recordOf(fields, around))
  return line.slice(0, -'LOG:  \n'.length)
}

describe('an escape', () => {
  test.each([
    ['%a', 'web', ''],
    ['%b', 'client backend', 'checkpointer'],
    ['%c', '69a43c00.e1b', '69a43c00.e1b'],
    ['%d', 'shop', ''],
    ['%e', '00000', '00000'],
    ['%h', '10.0.0.1', ''],
    ['%i', 'SELECT', ''],
    ['%l', '7', '7'],
    ['%m', '2026-03-01 12:00:00.001 CET', '2026-03-01 12:00:00.001 CET'],
    ['%n', '1772362800.001', '1772362800.001'],
    ['%p', '3611', '3611'],
    ['%P', '12', ''],
    ['%q', '', ''],
    ['%Q', '-3', '-3'],
    ['%r', '10.0.0.1(5433)', ''],
    ['%s', '2026-03-01 11:00:00 CET', '2026-03-01 11:00:00 CET'],
    ['%t', '2026-03-01 12:00:00 CET', '2026-03-01 12:00:00 CET'],
    ['%u', 'etl', ''],
    ['%v', '3/4', ''],
    ['%x', '5', '5'],
    ['%%', '%', '%'],
  ])('%p', (words, client, process) => {
    expect(prefix(words, CLIENT)).toBe(client)
    expect(prefix(words, PROCESS)).toBe(process)
  })

  test('of a client that has not said who it is', () => {
    const fields = { ...CLIENT, UserName: null, DatabaseName: '', ApplicationName: '' }
    expect(prefix('%u@%d/%a', fields)).toBe('[unknown]@[unknown]/[unknown]')
  })

  test('that logfebe-1 does not have is empty', () => {
    const ambiguous = { ...CLIENT, LogTime: '2026-03-01 13:00:00.001 IST' }
    expect(prefix('%b|%P|%Q|%n|%u', ambiguous, { protocol: 1 })).toBe('||||etl')
  })

  test('that the server did not know yet is empty', () => {
    expect(prefix('%P|%Q|%u', CLIENT, { server: '13.23' })).toBe('||etl')
    expect(prefix('%P|%Q|%u', CLIENT, { server: '14.1' })).toBe('12|-3|etl')
  })

  test('is filled up on either side', () => {
    expect(prefix('%6u|%-6u|%2u|%12a|%06p', CLIENT)).toBe('   etl|etl   |etl|         web|  3611')
    expect(prefix('%6u|%-6u|', PROCESS)).toBe('      |      |')
  })

  test('%q ends it for processes that serve no client', () => {
    expect(prefix('%p %q%u ', CLIENT)).toBe('3611 etl ')
    expect(prefix('%p %q%u ', PROCESS)).toBe('3611 ')
  })
})

test.each(['%', '%y', '%10', '%-', '%-u%L', '%501p', '%{'])('%p is refused', (text) => {
  expect(() => new LogLinePrefix(text)).toThrow()
})

test('any escapes keep to their room', () => {
  const escapes = fc.array(
    fc
      .constantFrom(...'abcdehilmnpPqQrstuvx%')
      .chain((letter) => fc.constantFrom(`%${letter}`, `%9${letter}`, `%-40${letter}`, `é%${letter}`)),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(
      anyFields(fc.constantFrom('UTF8', 'LATIN1')),
      escapes,
      fc.constantFrom(1 as const, 2 as const),
      (fields, parts, protocol) => {
        const text = encoded(
          makeEncoder('stderr', { logLinePrefix: parts.join(''), logErrorVerbosity: 'verbose' }),
          recordOf(fields, { protocol }),
        )
        expect(text).toEndWith('\n')
      },
    ),
  )
})
