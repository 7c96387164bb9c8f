import { describe, expect, test } from 'bun:test'
import type { LogFields } from '../../src/codec/log.ts'
import { findDuration } from '../../src/record/duration.ts'
import durations from '../fixtures/durations.json' with { type: 'json' }
import { recordOf } from './records.ts'

/** Number and phase that a record's message is about. */
function found(fields: LogFields, protocol: 1 | 2): readonly [string, string | undefined] | undefined {
  const record = recordOf({ Encoding: 'UTF8', ...fields }, { protocol })
  const duration = findDuration(record)
  if (duration === undefined) return undefined
  return [Buffer.from(record.bytes.subarray(duration.start, duration.end)).toString(), duration.phase]
}

/** Fills in a format as the server would. */
function made(format: string, values: readonly string[]): string {
  let next = 0
  return format.replaceAll(/%[su]/g, () => values[next++] ?? '')
}

const KINDS = {
  plain: [['12.345'], undefined],
  statement: [['0.001', "select 1 -- it's 2.500 ms"], undefined],
  parse: [['1.000', '<unnamed>', 'select $1'], 'parse'],
  bind: [['99999.999', '<unnamed>', '/', 'C_1', 'select $1'], 'bind'],
  execute: [['7.125', 'execute', 'S_1', '', '', 'select $1'], undefined],
  fastpath: [['3.000', 'lo_open', '952'], undefined],
} as const

describe.each(Object.entries(durations))('%s', (_, formats) => {
  test.each(Object.entries(KINDS))('%s', (kind, [values, phase]) => {
    const ErrMessage = made(formats[kind as keyof typeof formats], values)
    expect(found({ ErrMessage }, 1)).toEqual([values[0], phase])
    const MessageId = durations.C[kind as keyof typeof durations.C]
    expect(found({ ErrMessage, MessageId }, 2)).toEqual([values[0], phase])
    // Without the untranslated format, logfebe-2 is read like logfebe-1.
    expect(found({ ErrMessage, MessageId: null }, 2)).toEqual([values[0], phase])
  })
})

describe('logfebe-1 in a LATIN1 database', () => {
  test.each([
    ['fr', 'durée : 1.250 ms, analyse <unnamed> : select 1', 'parse'],
    ['fr', 'durée : 1.250 ms, lien <unnamed> : select 1', 'bind'],
    ['es', 'duración: 1.250 ms', undefined],
  ])('%s: %s', (_, text, phase) => {
    expect(found({ ErrMessage: Buffer.from(text, 'latin1') }, 1)).toEqual(['1.250', phase])
  })
})

test('auto_explain', () => {
  const ErrMessage =
    'duration: 3.651 ms  plan:\nQuery Text: select 1;\nResult  (cost=0.00..0.01 rows=1 width=4)'
  expect(found({ ErrMessage }, 1)).toEqual(['3.651', undefined])
  expect(found({ ErrMessage, MessageId: 'duration: %.3f ms  plan:\n%s' }, 2)).toEqual(['3.651', undefined])
})

describe('not a duration', () => {
  const messages = [
    'checkpoint complete: wrote 3 buffers (0.0%); write=0.003 s, sync=0.002 s, total=0.015 s',
    'disconnection: session time: 0:00:00.006 user=postgres database=l1 host=[local]',
    'process 1234 still waiting for ShareLock on transaction 742 after 1000.123 ms',
    'took 1.234 ms',
    'Dauer 1.234 ms',
    ' duration: 1.234 ms',
    'duration:  1.234 ms',
    'duration: -1.234 ms',
    'duration: 1.23 ms',
    'duration: 1.2345 ms',
    'duration: 1,234 ms',
    'duration: 1. 234 ms',
    'duration: ms',
    'duration: 1234567890123456.000 ms',
    `${'x'.repeat(48)}1.234 ms`,
    'duration: 1.23',
    'duration: 1',
    '1.234',
    '',
  ]
  test.each(messages)('%p', (ErrMessage) => expect(found({ ErrMessage }, 1)).toBeUndefined())

  test('by its format, whatever the text looks like', () => {
    for (const MessageId of ['%s', 'duration: ', 'duration', 'checkpoint complete: %s', '']) {
      expect(found({ ErrMessage: 'duration: 1.234 ms', MessageId }, 2)).toBeUndefined()
    }
  })

  test('without a message', () => {
    expect(found({}, 1)).toBeUndefined()
    expect(found({ MessageId: 'duration: %s ms' }, 2)).toBeUndefined()
  })
})

test('a message that ends right behind the number, or was cut there', () => {
  expect(found({ ErrMessage: 'duration: 1.234' }, 1)).toEqual(['1.234', undefined])
  expect(found({ ErrMessage: 'duration: 1.234', MessageId: 'duration: %s ms  parse %s: %s' }, 2)).toEqual([
    '1.234',
    'parse',
  ])
})

test('the words for parse and bind count in their place only', () => {
  const statement = 'duration: 1.234 ms  statement: select 1 /*  parse x */'
  expect(found({ ErrMessage: statement }, 1)).toEqual(['1.234', undefined])
  expect(found({ ErrMessage: 'duration: 1.234 ms  execute bind : select 1' }, 1)).toEqual([
    '1.234',
    undefined,
  ])
})
