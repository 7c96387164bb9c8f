import { describe, expect, test } from 'bun:test'
import type { LogFields } from '../../src/codec/log.ts'
import { elevelOf } from '../../src/codec/severity.ts'
import { COLOR, MONOCHROME, pretty } from './pretty-text.ts'

describe('folding', () => {
  const many = 'SELECT 1,\n'.repeat(300)
  const folded = (fields: LogFields, protocol: 1 | 2 = 2): boolean =>
    pretty(fields, MONOCHROME, { protocol }).includes('… (')

  test.each([
    ['a long statement', { UserQuery: 'x'.repeat(501) }, true],
    ['a short one', { UserQuery: 'x'.repeat(500) }, false],
    ['a statement of many lines', { UserQuery: 'x\n'.repeat(11) }, true],
    ['a detail of some lines', { ErrDetail: 'x\n'.repeat(11) }, false],
    ['a detail without end', { ErrDetail: 'x\n'.repeat(1000) }, true],
    ['a message of many lines', { ErrMessage: many }, false],
    ['a message without end', { ErrMessage: many.repeat(10) }, true],
    ['a duration with its statement', { ErrMessage: `duration: 1.000 ms  statement: ${many}` }, true],
    ['a duration with its plan', { ErrMessage: `duration: 1.000 ms  plan:\n${many}` }, false],
    ['a logged statement', { ErrMessage: `statement: ${many}` }, true],
    ['a logged prepared statement', { ErrMessage: `execute s1: ${many}` }, true],
  ] satisfies [string, LogFields, boolean][])('%s', (_, fields, expected) => {
    expect(folded(fields, 1)).toBe(expected)
    expect(folded(fields, 2)).toBe(expected)
  })

  test('a translated statement message is known by its id', () => {
    expect(folded({ ErrMessage: `Anweisung: ${many}`, MessageId: 'statement: %s' })).toBe(true)
    expect(folded({ ErrMessage: `statement: ${many}`, MessageId: '%s' })).toBe(false)
  })
})

describe('colour', () => {
  const painted = (fields: LogFields): string =>
    JSON.stringify(pretty(fields, COLOR)).replaceAll('\\u001b', '^')

  test.each([
    ['DEBUG1', '^[2mDEBUG1^[22m '],
    ['INFO', '^[36mINFO^[39m '],
    ['NOTICE', '^[34mNOTICE^[39m '],
    ['LOG', ' LOG '],
    ['WARNING', '^[33mWARNING^[39m '],
    ['ERROR', '^[31mERROR^[39m '],
    ['FATAL', '^[37m^[41mFATAL^[49m^[39m '],
    ['PANIC', '^[37m^[41mPANIC^[49m^[39m '],
  ] as const)('of %s', (severity, expected) => {
    expect(painted({ ELevel: elevelOf(15, severity) })).toContain(expected)
  })

  test.each([
    ['199.999', 'duration: 199.999 ms  x'],
    ['200.000', 'duration: ^[33m200.000 ms^[39m  x'],
    ['999.999', 'duration: ^[33m999.999 ms^[39m  x'],
    ['1000.000', 'duration: ^[31m1000.000 ms^[39m  x'],
    ['86400000.000', 'duration: ^[31m86400000.000 ms^[39m  x'],
  ])('of a duration of %s ms', (millis, expected) => {
    expect(painted({ ErrMessage: `duration: ${millis} ms  x` })).toContain(expected)
  })

  test('of a duration in another language and encoding', () => {
    const ErrMessage = Buffer.from('dur\xe9e\x85: 1500.000 ms, \xe9\xe9', 'latin1')
    const text = painted({ ErrMessage, MessageId: 'duration: %s ms', Encoding: 'LATIN1' })
    expect(text).toContain(' durée\\\\u0085: ^[31m1500.000 ms^[39m, éé')
  })

  test('of a duration that ends the message', () => {
    expect(painted({ ErrMessage: 'duration: 1500.000 ms' })).toContain('duration: ^[31m1500.000 ms^[39m\\n')
  })

  test('dims every line of a statement by itself', () => {
    expect(painted({ UserQuery: 'a\nb' })).toContain('^[2ma^[22m\\n               ^[2mb^[22m\\n')
  })
})
