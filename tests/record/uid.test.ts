import { describe, expect, test } from 'bun:test'
import { uidOf, uidPrefix } from '../../src/record/uid.ts'
import { recordOf, sourceOf } from './records.ts'

describe('uidOf', () => {
  const fields = { SessionId: '69a43c00.8d12', SeqNum: 7n }

  test('logfebe-2: boot id and sequence', () => {
    const around = { bootId: 0x1122334455667788n, sequence: 42n }
    expect(uidOf(recordOf(fields, around))).toBe('1122334455667788-42')
    expect(uidOf(recordOf(fields, { bootId: -1n, sequence: 0n }))).toBe('ffffffffffffffff-0')
    expect(uidOf(recordOf(fields, { bootId: 1n, sequence: 2n ** 63n - 1n }))).toBe(
      '0000000000000001-9223372036854775807',
    )
  })

  test('logfebe-1: identity, session and number', () => {
    expect(uidOf(recordOf(fields, { protocol: 1, identity: 'shop' }))).toBe('a847e0a9-69a43c00.8d12-7')
    expect(uidOf(recordOf({ ...fields, SeqNum: -(2n ** 63n) }, { protocol: 1, identity: '' }))).toBe(
      '811c9dc5-69a43c00.8d12--9223372036854775808',
    )
  })

  test('differs between sources, sessions and numbers', () => {
    const uids = new Set<string>()
    for (const identity of ['a', 'b']) {
      for (const SessionId of ['1.1', '1.2']) {
        for (const SeqNum of [1n, 2n])
          uids.add(uidOf(recordOf({ SessionId, SeqNum }, { protocol: 1, identity })))
      }
    }
    expect(uids.size).toBe(8)
  })
})

test('uidPrefix hashes the identity by FNV-1a over UTF-8', () => {
  // Test vectors of the algorithm's authors.
  for (const [identity, hash] of [
    ['', '811c9dc5'],
    ['a', 'e40c292c'],
    ['b', 'e70c2de5'],
    ['foobar', 'bf9cf968'],
  ] as const) {
    expect(uidPrefix(sourceOf({ protocol: 1, identity }))).toBe(`${hash}-`)
  }
})
