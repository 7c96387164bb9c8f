import { expect, test } from 'bun:test'
import { addressText, parseAddress } from '../../src/observe/address.ts'

test.each([
  ['9188', '127.0.0.1', 9188],
  [':9188', '127.0.0.1', 9188],
  ['0', '127.0.0.1', 0],
  ['127.0.0.1:9188', '127.0.0.1', 9188],
  ['0.0.0.0:65535', '0.0.0.0', 65535],
  ['localhost:80', 'localhost', 80],
  ['db-1.example:80', 'db-1.example', 80],
  ['[::1]:9188', '::1', 9188],
])('%p', (text, hostname, port) => {
  expect(parseAddress(text)).toEqual({ hostname, port })
})

test.each([
  '',
  'localhost',
  'localhost:',
  '65536',
  '-1',
  '9188/metrics',
  'http://localhost:80',
  '::1:80',
  '[::1]',
  'a b:80',
])('%p is none', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})

test('as it stands in a URL', () => {
  expect(addressText({ hostname: '::1', port: 80 })).toBe('[::1]:80')
  expect(addressText({ hostname: '127.0.0.1', port: 80 })).toBe('127.0.0.1:80')
})
