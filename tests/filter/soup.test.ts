import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { compileCel } from '../../src/filter/cel/filter.ts'
import { RecordView } from '../../src/record/view.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { recordOf } from '../record/records.ts'

/** Pieces of expressions, put together without sense; now and then there is some. */
const PIECES = [
  ...[
    'level',
    'ERROR',
    'dbname',
    'message',
    'pid',
    'txid',
    'duration_ms',
    'timestamp',
    'truncated',
    'state_code',
    'x',
  ],
  ...[
    '&&',
    '||',
    '!',
    '==',
    '!=',
    '<',
    '>=',
    'in',
    '+',
    '-',
    '*',
    '/',
    '%',
    '?',
    ':',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    '.',
  ],
  ...[
    '1',
    '0',
    '2.5',
    '9223372036854775807',
    '"a"',
    '""',
    '"é"',
    "r'\\d'",
    'null',
    'true',
    'false',
    '5u',
    'b"x"',
    '0xff',
  ],
  ...[
    'has(',
    'size(',
    'string(',
    'int(',
    'double(',
    'timestamp(',
    'duration(',
    '"2026-11-21T02:00:00Z")',
    '"5m")',
    'dyn(',
  ],
  ...[
    '.contains(',
    '.matches(',
    '.size()',
    '.exists(x,',
    '.all(x,',
    '.getHours(',
    '.trim()',
    '.lowerAscii()',
    '\n',
    '//',
    'cel',
  ],
]

// Sensible beginnings, so that more of it gets past the parser.
const anySoup = fc
  .array(
    fc.oneof(fc.constantFrom(...PIECES), fc.constantFrom('dbname == "a"', 'pid > 1', '[pid, 2]', 'pid + 1')),
    {
      maxLength: 9,
    },
  )
  .map((pieces) => pieces.join(' '))
const anyRecord = fc.oneof(
  anyRecordFields(2).map((fields) => recordOf(fields)),
  anyRecordFields(1).map((fields) => recordOf(fields, { protocol: 1 })),
)

test('whatever is written is refused in words, or true or false for every record', () => {
  let compiled = 0
  fc.assert(
    fc.property(anySoup, anyRecord, (source, record) => {
      let filter: ReturnType<typeof compileCel>
      try {
        filter = compileCel(source)
      } catch (error) {
        // A TypeError would be a bug, not a sentence.
        expect({ source, is: (error as Error).constructor }).toEqual({ source, is: Error })
        expect((error as Error).message).not.toMatch(/undefined|\[object|NaN/)
        expect((error as Error).message.split('\n').at(-1)).toContain('^')
        return
      }
      compiled++
      expect(filter.test(record)).toBeBoolean()
      expect(compileCel(filter.canonical).test(record)).toBe(filter.test(record))
    }),
    { numRuns: 3000, includeErrorInReport: true },
  )
  expect(compiled).toBeGreaterThan(30)
}, 60_000)

test('arbitrary text is no expression, and no surprise', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (source) => {
      try {
        compileCel(source).test(new RecordView())
      } catch (error) {
        expect((error as Error).message).toContain('^')
      }
    }),
  )
})
