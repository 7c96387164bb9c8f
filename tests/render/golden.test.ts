import { expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Format } from '../../src/render/encoder.ts'
import { makeEncoder, type Style } from '../../src/render/make-encoder.ts'
import { eachRecord } from '../record/records.ts'
import { encoded } from './encoded.ts'

/**
 * Golden files: the records of some streams of `tests/fixtures/golden` in each format. After a change that is meant, make them
 * anew and read the difference before it is committed:
 *
 *     UPDATE_GOLDEN=1 bun test tests/render/golden.test.ts && git diff tests/fixtures
 */

const STREAMS = [
  'v1-every-field',
  'v2-every-field',
  'absent-and-empty',
  'severities',
  'encodings',
  'truncated',
  'text',
]

const fixture = (path: string): URL => new URL(`../fixtures/${path}`, import.meta.url)

test.each([
  ['jsonlog', 'jsonlog', { logErrorVerbosity: 'verbose' }],
  ['csvlog', 'csvlog', { logErrorVerbosity: 'verbose' }],
  ['stderr', 'stderr', { logErrorVerbosity: 'verbose' }],
  ['stderr-prefix', 'stderr', { logLinePrefix: '%t %-8u|%8d|%r %q%a %e: ' }],
  ['logfmt', 'logfmt', {}],
  ['fields', 'json', { fields: ['error_severity', 'message', 'hint', 'sqlstate_name', 'query_id'] }],
  ['template', 'template', { template: '{timestamp} {user}@{dbname} {message} {detail:json}' }],
  ['pretty', 'pretty', {}],
  ['pretty-color', 'pretty', { color: true, time: 'utc' }],
] as [string, Format, Style][])('%s', (name, format, style) => {
  const encoder = makeEncoder(format, style)
  let text = ''
  for (const stream of STREAMS) {
    eachRecord(readFileSync(fixture(`golden/${stream}.febe`)), (record) => {
      text += encoded(encoder, record)
    })
  }
  const path = fixture(`formats/${name}.txt`)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text)
  expect(text).toBe(readFileSync(path, 'utf8'))
})
