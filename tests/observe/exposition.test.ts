import { describe, expect, test } from 'bun:test'
import { exposition, type Family } from '../../src/observe/exposition.ts'
import { parsePage } from './exposition-parser.ts'

const one = (family: Family, format: 'prometheus' | 'openmetrics') =>
  parsePage(exposition([family], format), format)
    .values()
    .next().value!

const counter = (value: number | bigint, labels = {}): Family => ({
  name: 'shop_sales',
  type: 'counter',
  help: 'Sales.',
  samples: [{ labels, value }],
})

describe('text', () => {
  test('Prometheus describes the series', () => {
    expect(exposition([counter(3)], 'prometheus')).toBe(
      '# HELP shop_sales_total Sales.\n# TYPE shop_sales_total counter\nshop_sales_total 3\n',
    )
  })

  test('OpenMetrics describes the family, and ends', () => {
    expect(exposition([counter(3)], 'openmetrics')).toBe(
      '# TYPE shop_sales counter\n# HELP shop_sales Sales.\nshop_sales_total 3\n# EOF\n',
    )
  })

  test('info: one series in both, a gauge to Prometheus', () => {
    const family: Family = {
      name: 'shop',
      type: 'info',
      help: 'Shop.',
      samples: [{ labels: { town: 'Ulm' }, value: 1 }],
    }
    expect(exposition([family], 'prometheus')).toContain('# TYPE shop_info gauge\nshop_info{town="Ulm"} 1\n')
    expect(exposition([family], 'openmetrics')).toContain('# TYPE shop info\n')
    expect(one(family, 'openmetrics').samples[0]!.name).toBe('shop_info')
  })

  test('the unit is said by who has one', () => {
    const family: Family = { name: 'shop_wait_seconds', type: 'gauge', help: 'Wait.', samples: [] }
    expect(one(family, 'openmetrics').unit).toBe('seconds')
    expect(one(counter(1), 'openmetrics').unit).toBe('')
  })
})

describe('values', () => {
  test.each([
    [12345678901234567890123n, '12345678901234567890123'],
    [0.5, '0.5'],
    [1e21, '1e+21'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [Number.NaN, 'NaN'],
  ])('%p', (value, text) => {
    expect(one(counter(value), 'prometheus').samples[0]!.value).toBe(text)
  })

  test('labels are escaped', () => {
    const labels = { reason: 'a "b" \\ c\nd', state: '' }
    expect(one(counter(1, labels), 'prometheus').samples[0]!.labels).toEqual(labels)
  })
})

describe('histogram', () => {
  const family: Family = {
    name: 'shop_wait_seconds',
    type: 'histogram',
    help: 'Wait.',
    samples: [
      { labels: { exporter: 'a' }, value: { bounds: [0.1, 1], counts: [3, 0, 2], sum: 9.5, count: 5 } },
    ],
  }

  test.each(['prometheus', 'openmetrics'] as const)('buckets count all below: %s', (format) => {
    const samples = one(family, format).samples.map(({ name, labels, value }) => [name, labels['le'], value])
    expect(samples).toEqual([
      ['shop_wait_seconds_bucket', '0.1', '3'],
      ['shop_wait_seconds_bucket', '1.0', '3'],
      ['shop_wait_seconds_bucket', '+Inf', '5'],
      ['shop_wait_seconds_sum', undefined, '9.5'],
      ['shop_wait_seconds_count', undefined, '5'],
    ])
  })
})

test('the reader of this test is strict', () => {
  const bad = [
    '# HELP a A.\n# TYPE a gauge\na 1',
    '# HELP a A.\n# TYPE a gauge\nb 1\n',
    '# HELP a A.\n# TYPE a gauge\n# TYPE a gauge\na 1\n',
    '# HELP a A.\n# TYPE a gauge\na 1\na 2\n',
    '# TYPE a gauge\na 1\n',
    '# HELP a A.\n# TYPE a counter\na 1\n',
    '# HELP a A.\n# TYPE a gauge\na{b="c} 1\n',
    '# HELP a A.\n# TYPE a histogram\na_bucket{le="1.0"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    '# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b gauge\n# HELP a A.\n',
  ]
  for (const text of bad) expect(() => parsePage(text, 'prometheus')).toThrow()
  expect(() => parsePage('# TYPE a gauge\n# HELP a A.\na 1\n', 'openmetrics')).toThrow('EOF')
})
