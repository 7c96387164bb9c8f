import { describe, expect, test } from 'bun:test'
import { fileEndIn, fileStartIn, splitAddress } from '../../src/record/compound.ts'

const bytesOf = (text: string, shift: number): Uint8Array =>
  Buffer.from(`${'9'.repeat(shift)}${text}${'9'.repeat(shift)}`)

describe('splitAddress', () => {
  test.each([
    ['10.0.12.7:51234', '10.0.12.7', '51234'],
    ['10.0.12.7', '10.0.12.7', undefined],
    ['[local]', '[local]', undefined],
    ['', '', undefined],
    ['localhost:5432', 'localhost', '5432'],
    ['db-1.example:1', 'db-1.example', '1'],
    ['host:0', 'host', '0'],
    ['host:65535', 'host', '65535'],
    ['host:65536', 'host:65536', undefined],
    ['host:123456', 'host:123456', undefined],
    ['host:007', 'host:007', undefined],
    ['host:', 'host:', undefined],
    [':5432', ':5432', undefined],
    ['5432', '5432', undefined],
    ['::1:40312', '::1', '40312'],
    ['::1', '::1', undefined],
    ['::', '::', undefined],
    [':::5432', '::', '5432'],
    ['fe80::1%eth0:5432', 'fe80::1%eth0', '5432'],
    ['2001:db8::8a2e:370:7334:61000', '2001:db8::8a2e:370:7334', '61000'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:1', undefined],
    ['2001:db8:0:0:0:0:0:1:5432', '2001:db8:0:0:0:0:0:1', '5432'],
    ['2001:db8:0:0:0:0:0:beef', '2001:db8:0:0:0:0:0:beef', undefined],
    ['::ffff:10.0.0.1:5432', '::ffff:10.0.0.1', '5432'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1', undefined],
    ['0:0:0:0:0:ffff:10.0.0.1:5432', '0:0:0:0:0:ffff:10.0.0.1', '5432'],
    ['0:0:0:0:0:ffff:10.0.0.1', '0:0:0:0:0:ffff:10.0.0.1', undefined],
  ])('%s', (text, host, port) => {
    for (const shift of [0, 5]) {
      const bytes = bytesOf(text, shift)
      const end = bytes.length - shift
      const hostEnd = splitAddress(bytes, shift, end)
      expect(Buffer.from(bytes.subarray(shift, hostEnd)).toString()).toBe(host)
      expect(hostEnd === end ? undefined : Buffer.from(bytes.subarray(hostEnd + 1, end)).toString()).toBe(
        port!,
      )
    }
  })
})

describe('fileEndIn and fileStartIn', () => {
  test.each([
    ['exec_simple_query, postgres.c:1370', 'exec_simple_query', 'postgres.c', '1370'],
    ['postgres.c:1370', '', 'postgres.c', '1370'],
    ['postgres.c:0', '', 'postgres.c', '0'],
    ['exec_simple_query, postgres.c', 'exec_simple_query', 'postgres.c', undefined],
    ['postgres.c', '', 'postgres.c', undefined],
    ['', '', '', undefined],
    ['C:\\x.c:12', '', 'C:\\x.c', '12'],
    ['main, C:\\src\\x.c:12', 'main', 'C:\\src\\x.c', '12'],
    ['C:\\x.c', '', 'C:\\x.c', undefined],
    ['ns::f(int, const char *), file.cpp:7', 'ns::f(int, const char *)', 'file.cpp', '7'],
    ['operator(), x.cpp:1', 'operator()', 'x.cpp', '1'],
    ['std::map<int, int>::at, map.h:88', 'std::map<int, int>::at', 'map.h', '88'],
    ['f,x.c:1', '', 'f,x.c', '1'],
    [', x.c:1', '', 'x.c', '1'],
    ['f, :12', 'f', '', '12'],
    [':12', '', '', '12'],
    ['12', '', '12', undefined],
    ['x.c:012', '', 'x.c:012', undefined],
    ['x.c:999999999', '', 'x.c', '999999999'],
    ['x.c:1234567890', '', 'x.c:1234567890', undefined],
    [', ', '', '', undefined],
  ])('%s', (text, func, file, line) => {
    for (const shift of [0, 5]) {
      const bytes = bytesOf(text, shift)
      const end = bytes.length - shift
      const fileEnd = fileEndIn(bytes, shift, end)
      const fileStart = fileStartIn(bytes, shift, fileEnd)
      const functionEnd = Math.max(shift, fileStart - 2)
      const part = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString()
      expect(part(shift, functionEnd)).toBe(func)
      expect(part(fileStart, fileEnd)).toBe(file)
      expect(fileEnd === end ? undefined : part(fileEnd + 1, end)).toBe(line!)
    }
  })
})
