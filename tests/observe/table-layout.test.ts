import { expect, test } from 'bun:test'
import { fit, layOut } from '../../src/observe/table-layout.ts'

const cells = (...texts: string[]) => texts.map((text) => ({ text }))

test('columns are as wide as their widest cell, to the left or to the right', () => {
  const rows = [cells('a', '1', 'x'), cells('long', '1,000', ''), cells('日本', '22', 'yy')]
  expect(layOut(rows, [false, true, false])).toEqual(['a         1  x', 'long  1,000', '日本     22  yy'])
})

test('colours take no room', () => {
  const paint = (text: string) => `\x1b[31m${text}\x1b[39m`
  const [first, second] = layOut([[{ text: 'a', paint }, { text: 'b' }], cells('wide', 'b')], [false, false])
  expect(first).toBe('\x1b[31ma\x1b[39m     b')
  expect(second).toBe('wide  b')
})

test('a line that is too wide is cut, and its colour ends', () => {
  expect(fit('abcdef', 6)).toBe('abcdef')
  expect(fit('abcdefg', 6)).toBe('abcde…')
  expect(fit('日本語', 5)).toBe('日本…')
  expect(fit('\x1b[31mabcdefg\x1b[39m', 4)).toContain('\x1b[39m')
  expect(Bun.stringWidth(fit('\x1b[31mabcdefg\x1b[39m', 4))).toBe(4)
  expect(fit('a'.repeat(1000), Number.POSITIVE_INFINITY)).toHaveLength(1000)
})
