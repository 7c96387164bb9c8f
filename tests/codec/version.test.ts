import { expect, test } from 'bun:test'
import { formatVersion, parseVersion } from '../../src/codec/version.ts'

test.each([
  ['PG-9.2.4/logfebe-1', '9.2.4', 9, 1],
  ['PG-15.20 (Debian 15.20-0+deb12u1)/logfebe-1', '15.20 (Debian 15.20-0+deb12u1)', 15, 1],
  ['PG-15.20 (Debian 15.20-0+deb12u1)/logfebe-2', '15.20 (Debian 15.20-0+deb12u1)', 15, 2],
  ['PG-17beta2/logfebe-1', '17beta2', 17, 1],
  ['PG-18devel/logfebe-2', '18devel', 18, 2],
  ['PG-19rc1/logfebe-2', '19rc1', 19, 2],
  ['PG-9.2alpha1/logfebe-1', '9.2alpha1', 9, 1],
  ['PG-13/logfebe-1', '13', 13, 1],
  ['PG-16.4 (vendor/build 7)/logfebe-2', '16.4 (vendor/build 7)', 16, 2],
  ['PG-14.1/logfebe-2/logfebe-1', '14.1/logfebe-2', 14, 1],
] as const)('%s', (text, server, major, protocol) => {
  expect(parseVersion(text)).toEqual({ server, major, protocol })
  expect(formatVersion({ server, protocol })).toBe(text)
})

test.each([
  [''],
  ['/'],
  ['PG-'],
  ['PG-15.2'],
  ['15.2/logfebe-1'],
  ['pg-15.2/logfebe-1'],
  [' PG-15.2/logfebe-1'],
  ['PG-/logfebe-1'],
  ['PG-devel/logfebe-1'],
  ['PG-15.2/logfebe-3'],
  ['PG-15.2/logfebe-'],
  ['PG-15.2/logfebe-1 '],
  ['PG-15.2/logfebe-10'],
  ['PG-15.2/LOGFEBE-1'],
  ['PG-15.2/logfebe-1/'],
  ['PG-20241/logfebe-1'],
])('%p is refused', (text) => {
  expect(parseVersion(text)).toBeUndefined()
})
