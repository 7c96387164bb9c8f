import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { compareVersions, readBinary } from '../../src/shim/elf.ts'
import { moduleBytes, programBytes, replaced } from './module.ts'

const arch = process.arch as 'x64' | 'arm64'

describe('a binary', () => {
  test('names its processor, its C library and the newest version that it needs of it', () => {
    expect(readBinary(programBytes())).toEqual({
      arch,
      libc: 'glibc',
      glibc: expect.stringMatching(/^2\.\d+$/),
    })
    // A library names no loader.
    expect(readBinary(moduleBytes())).toEqual({
      arch,
      libc: undefined,
      glibc: expect.stringMatching(/^2\.\d+$/),
    })
  })

  test('that musl loads says so', () => {
    const loader = /\/lib\S*\/ld-linux[\w.-]*/.exec(programBytes().subarray(0, 4096).toString('latin1'))?.[0]
    const musl = replaced(
      readFileSync('/bin/sh'),
      loader ?? '/lib64/ld-linux-x86-64.so.2',
      '/lib/ld-musl.so.1',
    )
    expect(readBinary(musl)?.libc).toBe('musl')
  })

  test('for another processor says so', () => {
    const other = moduleBytes()
    other.writeUInt16LE(183, 18)
    expect(readBinary(other)?.arch).toBe('arm64')
    other.writeUInt16LE(243, 18)
    expect(readBinary(other)?.arch).toBe('other')
  })

  test('that is none, or only the beginning of one, is told apart from one', () => {
    expect(readBinary(Buffer.from('#!/bin/sh\necho no\n'.repeat(10)))).toBeUndefined()
    expect(readBinary(Buffer.alloc(0))).toBeUndefined()
    const whole = moduleBytes()
    for (let length = 0; length < whole.length; length += 997)
      expect(readBinary(whole.subarray(0, length))).toBeUndefined()
    // The linker puts the table of sections last.
    expect(readBinary(whole.subarray(0, -1))).toBeUndefined()
    expect(readBinary(whole)).toBeDefined()
  })

  test('that is damaged anywhere is read in bounded time and never crashes the reader', () => {
    const whole = moduleBytes()
    let state = 88675123
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return state % below
    }
    const tables = [64, Number(whole.readBigUInt64LE(40))]
    for (let round = 0; round < 2000; round++) {
      const damaged = Buffer.from(whole)
      for (let hit = 0; hit < 8; hit++) {
        const start = tables[random(2)]!
        const at = Math.min(start + random(1200), damaged.length - 1)
        damaged[at] = random(256)
      }
      readBinary(damaged)
    }
  })
})

test('versions go by their numbers', () => {
  expect(compareVersions('2.4', '2.34')).toBe(-1)
  expect(compareVersions('2.34', '2.34')).toBe(0)
  expect(compareVersions('3.0', '2.99')).toBe(1)
})
