import { describe, expect, test } from 'bun:test'
import { Field } from '../../../src/codec/fields.ts'
import type { LogFields } from '../../../src/codec/log.ts'
import { PrivateFields } from '../../../src/render/sentry/private-fields.ts'
import durations from '../../fixtures/durations.json' with { type: 'json' }
import { recordOf, type Surroundings } from '../../record/records.ts'

const SQL = "select 'a: b：c'"

/** Message and detail as they are shown without SQL. */
function shown(
  fields: LogFields,
  around: Surroundings = {},
): [message: string | null, detail: string | null] {
  const record = recordOf(fields, around)
  const fieldsHidden = new PrivateFields({ sql: false, pii: true })
  fieldsHidden.hide(record)
  const seen: [string | null, string | null] = [
    record.text(Field.ErrMessage),
    record.has(Field.ErrDetail) ? record.text(Field.ErrDetail) : null,
  ]
  fieldsHidden.restore(record)
  expect(record.text(Field.ErrMessage)).toBe(fields.ErrMessage as string)
  return seen
}

/** A message of the server's: a duration, names, and a statement as the last argument. */
function messageOf(format: string): string {
  const parts = format.split('%s')
  const values = parts.map((_, i) => (i === 0 ? '1.234' : i === parts.length - 2 ? SQL : 'name'))
  return parts.map((part, i) => part + (i < parts.length - 1 ? values[i] : '')).join('')
}

describe.each(Object.entries(durations))('durations in %s', (_, formats) => {
  for (const kind of ['statement', 'parse', 'bind', 'execute'] as const) {
    const ErrMessage = messageOf(formats[kind])
    const ErrDetail = "Parameters: $1 = 'x'"

    test(`${kind}: the statement and its parameters are not shown, the time is`, () => {
      expect(ErrMessage).toContain(SQL)
      for (const around of [{}, { protocol: 1 } as const]) {
        const fields = { ErrMessage, ErrDetail, MessageId: durations.C[kind] }
        const [message, detail] = shown(fields, around)
        expect(message).toContain('1.234')
        expect(message).not.toContain('select')
        expect(detail).toBeNull()
      }
    })
  }

  test('alone they are shown', () => {
    const ErrMessage = formats.plain.replace('%s', '1.234')
    for (const around of [{}, { protocol: 1 } as const])
      expect(shown({ ErrMessage, MessageId: durations.C.plain }, around)[0]).toBe(ErrMessage)
  })
})

test.each([
  [`statement: ${SQL}`, 'statement: %s', 'statement: '],
  [`execute <unnamed>: ${SQL}`, '%s %s%s%s: %s', 'execute <unnamed>: '],
  [`语句：${SQL}`, 'statement: %s', '语句：'],
  [`nothing known ${SQL.replaceAll(/[:：]/g, '')}`, 'statement: %s', ''],
  [
    `duration: 1.234 ms  plan:\nQuery Text: ${SQL}`,
    'duration: %s ms  plan:\n%s',
    'duration: 1.234 ms  plan:\nQuery Text: ',
  ],
])('%p is not shown past its words', (ErrMessage, MessageId, expected) => {
  expect(shown({ ErrMessage, MessageId, ErrDetail: 'x' })).toEqual([expected, null])
})

test('logfebe-1 has no ids: words tell', () => {
  expect(shown({ ErrMessage: `statement: ${SQL}` }, { protocol: 1 })[0]).toBe('statement: ')
  expect(shown({ ErrMessage: `execute s1: ${SQL}` }, { protocol: 1 })[0]).toBe('execute s1: ')
})

test('other messages stay, and their details', () => {
  const fields = {
    ErrMessage: 'column "a: b" is missing',
    MessageId: 'column "%s" is missing',
    ErrDetail: 'x',
  }
  expect(shown(fields)).toEqual([fields.ErrMessage, 'x'])
  expect(shown(fields, { protocol: 1 })).toEqual([fields.ErrMessage, 'x'])
})
