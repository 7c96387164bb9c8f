import { describe, expect, test } from 'bun:test'
import { EXPORTER_NAME, exporterOptions, sharedOptionsOf } from '../../src/config/exporter-options.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'

test('defaults: in order, from now on, for ever', () => {
  expect(exporterOptions.parse({})).toEqual({ noLogLevel: false, start: 'end', linger: 0, concurrency: 1 })
})

describe('options that every exporter has', () => {
  test.each(EXPORTERS.map((exporter) => [exporter.name, exporter] as const))(
    'are not called like one of %s',
    (_, exporter) => {
      const own = Object.keys(exporter.options.shape)
      const shared = Object.keys(exporterOptions.shape)
      expect(own.filter((key) => shared.includes(key) || key === 'type' || key === 'name')).toEqual([])
    },
  )

  test('leave the format out where there is no choice', () => {
    const keys = (format: string) =>
      Object.keys(sharedOptionsOf({ ...EXPORTERS[0]!, format: format as 'json' }).shape)
    expect(keys('chosen')).toContain('format')
    expect(keys('json')).not.toContain('format')
  })
})

test.each([
  ['a', true],
  ['9-to_5', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['-a', false],
  ['A', false],
  ['a.b', false],
  ['a/b', false],
])('name %p', (name, valid) => {
  expect(EXPORTER_NAME.test(name)).toBe(valid)
})
