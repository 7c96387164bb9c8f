import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { compileCel } from '../../src/filter/cel/filter.ts'
import { compileSelection } from '../../src/filter/selection.ts'
import { RecordView } from '../../src/record/view.ts'
import { anyRecordFields } from '../record/arbitrary.ts'
import { recordOf } from '../record/records.ts'
import { anyExpression } from './expressions.ts'
import { referenceTest, valuesOf } from './reference.ts'

/** Arbitrary records of either protocol, with texts in every encoding. */
const anyRecord = fc.oneof(
  anyRecordFields(2).map((fields) => recordOf(fields, { bootId: 7n, sequence: 41n })),
  anyRecordFields(1).map((fields) => recordOf(fields, { protocol: 1 })),
)

/** The same record, of which nothing but the head has been found. */
function headOf(record: RecordView): RecordView {
  const again = new RecordView()
  again.source = record.source
  again.sequenceBase = record.sequenceBase
  again.reset(record.bytes, record.start, record.end)
  again.walkHead()
  return again
}

test('a filter says what the reference evaluator says of the record’s JSON', () => {
  let matched = 0
  fc.assert(
    fc.property(anyRecord, anyExpression, (record, expression) => {
      const values = valuesOf(record)
      const source = expression(values)
      const expected = referenceTest(source, values) as boolean
      if (expected) matched++
      const { test: matches, failures, canonical } = compileCel(source)
      const selected = compileSelection({ filter: source })!(headOf(record))
      // The expression, so that a failure shows it.
      expect({
        source,
        answer: matches(record),
        again: compileCel(canonical).test(record),
        selected,
        failures: failures.size,
      }).toEqual({
        source,
        answer: expected,
        again: expected,
        selected: expected,
        failures: 0,
      })
    }),
    { numRuns: 1000, includeErrorInReport: true },
  )
  // Neither answer is rare.
  expect(matched).toBeGreaterThan(150)
  expect(matched).toBeLessThan(850)
}, 60_000)
