import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { eventSchema } from '../../src/record/schema.ts'
import { makeEncoder } from '../../src/render/make-encoder.ts'
import { KEY_NAMES } from '../../src/render/record-keys.ts'
import { jsonOf, recordOf, type Surroundings } from '../record/records.ts'
import { anyFields } from './arbitrary.ts'
import { csvRows } from './csv-reader.ts'
import { encoded } from './encoded.ts'
import { BASE } from './pretty-text.ts'

/** Formats that take values by the keys of the canonical JSON. */

const surroundings: fc.Arbitrary<Surroundings> = fc.constantFrom<Surroundings>(
  { protocol: 1 },
  { protocol: 2, identity: 'a "b"\n=c' },
  { protocol: 2, bootId: 7n, sequence: 0n },
  { protocol: 2, bootId: -1n, sequence: 2n ** 62n },
)
const keys = fc.shuffledSubarray([...KEY_NAMES], { minLength: 1 })
const anyRecord = fc.tuple(anyFields(fc.constantFrom('UTF8', 'LATIN1', 'GB18030')), surroundings)

/** The canonical JSON with its numbers as they are written: JSON.parse would lose digits. */
function eventOf(json: string): Record<string, string> {
  const pairs = [...json.matchAll(/[{,]"([a-z_]+)":("(?:[^"\\]|\\.)*"|[^,}]*)/g)]
  return Object.fromEntries(pairs.map(([, key, value]) => [key!, value!]))
}

const textOf = (value: string): string => (value.startsWith('"') ? JSON.parse(value) : value)

test('the keys are those of the canonical JSON, in its order', () => {
  expect(KEY_NAMES).toEqual(Object.keys(eventSchema.shape))
})

test('json has the keys that were chosen, as the canonical JSON has them', () => {
  fc.assert(
    fc.property(anyRecord, keys, ([fields, around], fields_) => {
      const record = recordOf(fields, around)
      const event = eventOf(jsonOf(record))
      const wanted = fields_.filter((key) => event[key] !== undefined).map((key) => `"${key}":${event[key]}`)
      expect(encoded(makeEncoder('json', { fields: fields_ }), record)).toBe(`{${wanted.join(',')}}\n`)
    }),
  )
})

test('csvlog has a column for each', () => {
  fc.assert(
    fc.property(anyRecord, keys, ([fields, around], fields_) => {
      const record = recordOf(fields, around)
      const event = eventOf(jsonOf(record))
      const row = fields_.map((key) => (event[key] === undefined ? null : textOf(event[key])))
      expect(csvRows(encoded(makeEncoder('csvlog', { fields: fields_ }), record))).toEqual([row])
    }),
  )
})

describe('logfmt', () => {
  /** A reader as others are: a bare word, or a text in quotes with JSON's escapes. */
  function pairsOf(line: string): Record<string, string> {
    const found = [...line.matchAll(/([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=]+)(?: |\n$)/gy)]
    expect(found.map(([all]) => all).join('')).toBe(line)
    return Object.fromEntries(found.map(([, key, value]) => [key!, textOf(value!)]))
  }

  test('reads back as the canonical JSON', () => {
    fc.assert(
      fc.property(anyRecord, ([fields, around]) => {
        const record = recordOf(fields, around)
        const event = Object.entries(eventOf(jsonOf(record))).map(([key, value]) => [key, textOf(value)])
        expect(Object.entries(pairsOf(encoded(makeEncoder('logfmt', {}), record)))).toEqual(
          event as [string, string][],
        )
      }),
    )
  })

  test('quotes what must be, and nothing else', () => {
    const record = recordOf({ ...BASE, UserName: 'a=b', DatabaseName: '', ErrMessage: 'x\\y', ErrHint: 'é' })
    const text = encoded(
      makeEncoder('logfmt', { fields: ['user', 'dbname', 'pid', 'message', 'hint', 'detail'] }),
      record,
    )
    expect(text).toBe('user="a=b" dbname="" pid=3611 message="x\\\\y" hint="é"\n')
    expect(encoded(makeEncoder('logfmt', { fields: ['detail'] }), record)).toBe('\n')
  })
})

describe('a template', () => {
  const record = recordOf({ ...BASE, ErrMessage: 'a\nb\t"c"\\d \x1b[31m \u009b1m é' })
  const show = (template: string) => encoded(makeEncoder('template', { template }), record)

  test('has values of a line', () => {
    expect(show('{timestamp} {error_severity} {message}')).toBe(
      '2026-03-01 12:00:00.001 UTC LOG a\\nb\\t"c"\\d \\x1b[31m \\x9b1m é\n',
    )
  })

  test('has values as JSON, and braces, and control characters of its own', () => {
    expect(show('{{{user:json}, {detail:json}, {pid:json}}}')).toBe('{"etl", null, 3611}\n')
    expect(show('a\\tb\\\\{detail}\\n')).toBe('a\tb\\\n\n')
    expect(show('nothing')).toBe('nothing\n')
  })

  test('has room for a long value that is there often', () => {
    const long = recordOf({ ...BASE, ErrMessage: '\x01'.repeat(5000) })
    const text = encoded(makeEncoder('template', { template: '{message:json}{message}'.repeat(20) }), long)
    expect(text.length).toBe(20 * (6 * 5000 + 2 + 4 * 5000) + 1)
  })

  test('takes every key, any number of times, and keeps to its room', () => {
    fc.assert(
      fc.property(
        anyRecord,
        fc.array(fc.constantFrom(...KEY_NAMES), { maxLength: 80 }),
        ([fields, around], names) => {
          const template = names.map((name, index) => `{${name}${index % 2 === 0 ? '' : ':json'}}`).join('|')
          const text = encoded(makeEncoder('template', { template }), recordOf(fields, around))
          expect(text.indexOf('\n')).toBe(text.length - 1)
        },
      ),
    )
  })
})
