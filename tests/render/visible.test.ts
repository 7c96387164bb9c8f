import { describe, expect, test } from 'bun:test'
import { excerptAt } from '../../src/render/excerpt.ts'
import { foldLines, isOver } from '../../src/render/fold.ts'
import { columnsOf, visibleLine, visibleName } from '../../src/render/visible.ts'

describe('a visible line', () => {
  test.each([
    ['plain text', 'select 1', 'select 1'],
    ['a backslash stays', 'C:\\x1b', 'C:\\x1b'],
    ['escape sequences', '\x1b[31mred\x1b]0;title\x07', '\\x1b[31mred\\x1b]0;title\\a'],
    ['carriage return and line feed', 'a\rb\nc', 'a\\rb\\nc'],
    ['other controls', '\x01\b\v\f\x7f', '\\x01\\b\\v\\f\\x7f'],
    ['controls above ASCII', '\u009b2J\u0085', '\\u009b2J\\u0085'],
    ['a tab', 'a\tb', 'a    b'],
    ['bidirectional controls', '\u202e\u2066\u200f\u061c', '\\u202e\\u2066\\u200f\\u061c'],
    ['separators and invisible spaces', '\u2028\u200b\ufeff', '\\u2028\\u200b\\ufeff'],
    ['what is kept for more of them', '\u2065\u{e0fff}', '\\u2065\\U000e0fff'],
    ['tags', '\u{e0041}', '\\U000e0041'],
    ['joiners stay', 'می‌خواهم 👩‍💻', 'می‌خواهم 👩‍💻'],
    ['other scripts stay', 'Ошибка 错误 שגיאה', 'Ошибка 错误 שגיאה'],
  ])('%s', (_, text, visible) => {
    expect(visibleLine(text)).toBe(visible)
  })

  test('a name is cut when it is longer than a name can be', () => {
    expect(visibleName('a'.repeat(64))).toBe('a'.repeat(64))
    expect(visibleName('a'.repeat(65))).toBe(`${'a'.repeat(64)}…`)
  })

  test('columns', () => {
    expect([columnsOf('abc'), columnsOf('日本'), columnsOf('')]).toEqual([3, 4, 0])
  })
})

describe('folding', () => {
  const limit = { length: 10, lines: 3 }

  test.each([
    ['empty', '', ['']],
    ['at the limit of length', '0123456789', ['0123456789']],
    ['over it', '0123456789a', ['0123456789… (11 characters)']],
    ['at the limit of lines', 'a\nb\nc', ['a', 'b', 'c']],
    ['over it', 'a\nb\nc\nd', ['a', 'b', 'c… (7 characters)']],
    ['line breaks at the end do not count', 'a\nb\nc\r\n\n', ['a', 'b', 'c']],
    ['line breaks of Windows', 'a\r\nb\r\nc\r\nd', ['a', 'b', 'c… (10 characters)']],
    ['nothing but line breaks', '\n\n\n\n\n', ['']],
    ['empty lines inside', 'a\n\nb', ['a', '', 'b']],
    ['a pair of units is not cut, and is one character', '012345678😀x', ['012345678… (11 characters)']],
    ['escapes come after the cut', '\x1b'.repeat(10), ['\\x1b'.repeat(10)]],
    ['thousands', 'a'.repeat(12_345), ['aaaaaaaaaa… (12,345 characters)']],
  ])('%s', (_, text, lines) => {
    expect(foldLines(text, limit)).toEqual(lines)
    expect(isOver(text, limit)).toBe(lines.at(-1)!.includes('…'))
  })
})

describe('an excerpt', () => {
  const show = (statement: string, position: number): string | undefined => {
    const excerpt = excerptAt(statement, position)
    return excerpt && `${excerpt.line}\n${' '.repeat(excerpt.column)}^`
  }

  test.each([
    ['the first character', 'select', 1, 'select\n^'],
    ['in one line', 'select foo', 8, 'select foo\n       ^'],
    ['the end of the input', 'select (', 9, 'select (\n        ^'],
    ['the end of the input behind a line break', 'select (\n', 10, 'select (\n        ^'],
    ['past the end', 'select', 8, undefined],
    ['far past the end', 'select', 2 ** 31 - 1, undefined],
    ['one line of several', 'select\n  foo\nfrom t', 10, 'line 2 of 3: foo\n             ^'],
    ['the indentation itself', 'a\n    b', 4, 'line 2 of 2:    b\n             ^'],
    ['line breaks of Windows', 'select\r\nfoo\r\nbar', 9, 'line 2 of 3: foo\n             ^'],
    ['a line break', 'a\nb', 2, 'line 1 of 2: a\n              ^'],
    ['a leading line break', '\na', 1, 'line 1 of 2: \n             ^'],
    ['behind a tab', 'a\tb', 3, 'a    b\n     ^'],
    ['behind wide characters', '日本 x', 4, '日本 x\n     ^'],
    ['behind a character of two units', '😀 x', 3, '😀 x\n   ^'],
    ['behind an escape', '\x1bx', 2, '\\x1bx\n    ^'],
    ['blank', '  \n ', 2, '  \n^'],
    ['empty', '', 1, '\n^'],
  ])('%s', (_, statement, position, shown) => {
    expect(show(statement, position)).toBe(shown)
  })

  test('of a long line is what stands around the place', () => {
    const [line, caret] = show(`${'a'.repeat(300)}!${'b'.repeat(300)}`, 301)!.split('\n')
    expect(line).toBe(`…${'a'.repeat(60)}!${'b'.repeat(59)}…`)
    expect(caret!.length - 1).toBe(line!.indexOf('!'))
  })

  test('does not cut a character in two', () => {
    const { line } = excerptAt('😀'.repeat(100), 51)!
    expect(line).toBe(`…${'😀'.repeat(60)}…`)
  })
})
