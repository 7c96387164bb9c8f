import { describe, expect, test } from 'bun:test'
import { countText, rateText, sizeText, spanText } from '../../src/observe/amounts.ts'

test.each([
  [0, '0'],
  [1_234_567, '1,234,567'],
  [9007199254740993n, '9,007,199,254,740,993'],
])('count %p', (count, text) => {
  expect(countText(count)).toBe(text)
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 kB'],
  [10_240, '10 kB'],
  [1_048_575, '1.0 MB'],
  [1_258_291, '1.2 MB'],
  [80 * 1024 ** 3, '80 GB'],
  [2000 * 1024 ** 5, '2000 PB'],
])('size %p', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
})

test.each([
  [0, '0s'],
  [-1, '0s'],
  [0.42, '0.4s'],
  [3, '3s'],
  [9.99, '10s'],
  [59.6, '1m'],
  [125, '2m 5s'],
  [3600, '1h'],
  [11_520, '3h 12m'],
  [3605, '1h'],
  [90_000 + 86_400 * 3, '4d 1h'],
])('span %p', (seconds, text) => {
  expect(spanText(seconds)).toBe(text)
})

describe('rate', () => {
  test.each([
    [0, '0'],
    [0.04, '<0.1'],
    [2.5, '2.5'],
    [9.96, '10'],
    [51_234.4, '51,234'],
  ])('%p', (rate, text) => {
    expect(rateText(rate)).toBe(text)
  })
})
