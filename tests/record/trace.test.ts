import { describe, expect, test } from 'bun:test'
import { findTraceContext } from '../../src/record/trace.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const parent = `00-${traceId}-${spanId}-01`
const found = { traceId, spanId, flags: '01' }

describe('found', () => {
  test.each([
    ['as sqlcommenter writes it', `SELECT 1 /*action='x',traceparent='${parent}'*/`],
    ['unquoted', `SELECT 1 /* traceparent=${parent} */`],
    ['with a colon', `/* traceparent: ${parent} */ SELECT 1`],
    ['with a colon and quotes', `/* traceparent: '${parent}' */ SELECT 1`],
    ['with spaces around the sign', `/* traceparent = ${parent} */ SELECT 1`],
    ['behind an earlier comment', `/* a */ SELECT /* b */ 1 /*traceparent='${parent}'*/`],
    ['in a comment that was cut off', `SELECT 1 /*traceparent='${parent}`],
    ['of a later version', `/*traceparent='01-${traceId}-${spanId}-01-more'*/`],
    [
      'behind one that is data',
      `INSERT INTO t VALUES ('traceparent: 00-${'1'.repeat(32)}-${spanId}-00') /*traceparent='${parent}'*/`,
    ],
    [
      'behind one that is not valid',
      `/*traceparent='00-${'0'.repeat(32)}-${spanId}-01',traceparent='${parent}'*/`,
    ],
  ])('%s', (_, statement) => expect(findTraceContext(statement)).toEqual(found))

  test('flags', () => {
    expect(findTraceContext(`/*traceparent='00-${traceId}-${spanId}-00'*/`)?.flags).toBe('00')
  })
})

describe('not found', () => {
  test.each([
    ['without a comment', `SELECT 'traceparent=${parent}'`],
    ['outside of the comments', `SELECT 'traceparent=${parent}' /* x */`],
    ['between two comments', `/* a */ SELECT 'traceparent=${parent}' /* b */`],
    ['all-zero trace id', `/*traceparent='00-${'0'.repeat(32)}-${spanId}-01'*/`],
    ['all-zero span id', `/*traceparent='00-${traceId}-${'0'.repeat(16)}-01'*/`],
    ['version ff', `/*traceparent='ff-${traceId}-${spanId}-01'*/`],
    ['upper-case hex', `/*traceparent='${parent.toUpperCase()}'*/`],
    ['a trace id that is too short', `/*traceparent='00-${traceId.slice(1)}-${spanId}-01'*/`],
    ['a trace id that is too long', `/*traceparent='00-${traceId}0-${spanId}-01'*/`],
    ['flags that go on', `/*traceparent='${parent}f'*/`],
    ['cut off', `/*traceparent='${parent.slice(0, -1)}`],
    ['another key', `/*tracestate='${parent}'*/`],
    ['nothing', ''],
  ])('%s', (_, statement) => expect(findTraceContext(statement)).toBeUndefined())
})

describe('hostile statements take no longer than their length', () => {
  const size = 1_000_000
  const bad = `traceparent='00-${'0'.repeat(32)}-${spanId}-01'`
  const good = `traceparent='${parent}' `
  test.each([
    ['opened comments', '/*'.repeat(size / 2)],
    ['many comments', '/**/'.repeat(size / 4)],
    ['the key again and again', `/*${'traceparent'.repeat(size / 11)}*/`],
    ['the key and a sign', `/*${"traceparent='".repeat(size / 13)}*/`],
    ['invalid ones', `/*${bad.repeat(size / bad.length)}*/`],
    [
      'valid ones outside of a comment that never ends',
      `${good.repeat(size / good.length)}/*${' '.repeat(size)}`,
    ],
    ['valid ones between comments', `/**/${good}`.repeat(size / 80)],
    ['hex without end', `/*traceparent='00-${'a'.repeat(size)}`],
    ['spaces', `/*traceparent${' '.repeat(size)}`],
  ])('%s', (_, statement) => {
    const begin = performance.now()
    findTraceContext(statement)
    // Milliseconds in fact; the bound only tells linear from quadratic on the slowest of machines.
    expect(performance.now() - begin).toBeLessThan(2000)
  })
})
