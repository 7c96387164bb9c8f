import { describe, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { readToml } from '../../src/config/toml-document.ts'
import { configFolder } from './folder.ts'

const folder = configFolder()

const read = (text: string) => {
  const problems: string[] = []
  const path = folder.write('x.toml', text)
  const document = readToml(path, problems)
  return { document, problems: problems.map((problem) => problem.replace(path, 'x.toml')) }
}

test('a file is parsed, whole numbers apart from others', () => {
  const { document, problems } = read('a = 1\nb = 1.0\n[t]\nc = "$HOME %HOME%"\n')
  expect(problems).toEqual([])
  expect(document?.root).toMatchObject({ a: 1n, b: 1, t: { c: '$HOME %HOME%' } })
  expect(document?.lineOf(['t', 'c'])).toBe(4)
})

test('keys that JavaScript has a meaning for are keys like others', () => {
  const { document } = read('__proto__ = 1\n[constructor]\nprototype = 1\n')
  expect(Object.keys(document!.root)).toEqual(['__proto__', 'constructor'])
  expect(({} as Record<string, unknown>)['prototype']).toBeUndefined()
})

describe('a syntax error has its place and its reason, and does not repeat the text', () => {
  test.each([
    ['a = hunter2', 'x.toml:1:5: invalid value; a text needs quotes'],
    ['\n\ntoken = "hunter2', 'x.toml:3:9: unfinished string'],
    ['mode = 0660 # hunter2', 'x.toml:1:8: illegal leading zero; permission bits need quotes, as in "0660"'],
    ['hunter2 = 1\nhunter2 = 2', 'x.toml:2:1: trying to redefine an already defined table or value'],
    ['[a\nb = "hunter2"', 'x.toml:1:3: illegal character in key'],
    ['hunter2', 'x.toml:1:1: incomplete key-value: cannot find end of key'],
    ['d = 2020-13-45T99 # hunter2', expect.stringMatching(/^x\.toml:1:\d+: /)],
  ])('%p', (text, problem) => {
    const { document, problems } = read(text)
    expect(document).toBeUndefined()
    expect(problems).toEqual([problem])
    expect(problems.join()).not.toContain('hunter2')
  })
})

test('what is no file that can be read', () => {
  const problems: string[] = []
  mkdirSync(folder.path('folder'))
  readToml(folder.path('missing'), problems)
  readToml(folder.path('folder'), problems)
  readToml(folder.write('long.toml', '#'.repeat(2 ** 20 + 1)), problems)
  readToml('/dev/null/x', problems)
  expect(problems).toEqual([
    expect.stringContaining('missing: there is no such file'),
    expect.stringContaining('folder: this is a folder'),
    expect.stringContaining('long.toml: the file is longer than 1048576 bytes'),
    expect.stringContaining('/dev/null/x: cannot be read'),
  ])
})
