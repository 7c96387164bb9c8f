import { expect, test } from 'bun:test'
import { fnv1aHex } from '../src/fnv1a.ts'

test.each([
  ['', '811c9dc5'],
  ['a', 'e40c292c'],
  ['foobar', 'bf9cf968'],
  ['ü', '119dd44a'],
])('%p', (text, hash) => {
  expect(fnv1aHex(text)).toBe(hash)
})
