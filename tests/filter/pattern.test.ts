import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { nativePattern } from '../../src/filter/native-pattern.ts'
import { compilePattern } from '../../src/filter/pattern.ts'
import { readPattern } from '../../src/filter/pattern-syntax.ts'

describe('who finds a pattern', () => {
  test.each([
    ['deadlock', 'text'],
    ['orders_pkey', 'text'],
    ['a\\.b', 'text'],
    ['', 'text'],
    ['deadlock|timeout', 'native'],
    ['(?i)deadlock', 'native'],
    ['^duration: \\d{3,5}\\.', 'native'],
    ['\\bdead\\b', 'native'],
    ['orders?_[a-z]', 'native'],
    ['id = \\d+', 'native'],
    ['(?:dead|live)lock$', 'native'],
    ['dead.*lock', 're2'],
    ['(a+)+b', 're2'],
    ['(a|aa)+$', 're2'],
    ['(a?){30}a{30}b', 're2'],
    ['(x+x+)+y', 're2'],
    ['\\pL', 're2'],
    ['(?m)^x', 're2'],
    ['(?i)é', 're2'],
    ['(?i)[^a]', 're2'],
    ['[[:alpha:]]', 're2'],
    ['\\Qa.b\\E', 're2'],
  ])('%p: %s', (source, engine) => {
    expect(compilePattern(source).engine).toBe(engine as 'text')
  })
})

test('patterns that another engine would not finish in a lifetime', () => {
  const hostile = `${'a'.repeat(200_000)}!`
  for (const source of ['(a+)+$', '(a|aa)+$', '(a*)*b', '(.*a){20}b', '(a?){200}a{200}b', '([a-z]+)*\\d']) {
    expect(compilePattern(source).found(hostile)).toBe(false)
  }
})

test.each([
  ['(', 'missing closing )'],
  ['[z-a]', 'invalid character class range'],
  ['a**', 'invalid nested repetition'],
  ['x{1001}', 'invalid repeat count'],
  ['(((a{100}){100}){100})', 'invalid repeat count'],
  ['(?<=a)b', 'no look-ahead, look-behind'],
  ['a(?!b)', 'no look-ahead, look-behind'],
  ['(a)\\1', 'back-references'],
  ['('.repeat(1500), ''],
  ['a'.repeat(2001), '2001 characters, 2000 are allowed'],
])('%.20p is refused', (source, said) => {
  expect(() => compilePattern(source)).toThrow(said)
})

// Pieces of patterns of every kind, put together at random: some make sense.
const pieces = [
  ...[
    'a',
    'b',
    'k',
    's',
    'é',
    '\u212a',
    '.',
    '\\.',
    '\\d',
    '\\w',
    '\\s',
    '\\W',
    '\\b',
    '\\B',
    '^',
    '$',
    '|',
    '(',
    '(?:',
    ')',
  ],
  ...[
    '[ab]',
    '[^a]',
    '[a-c0]',
    '[\\d_]',
    '[^\\s]',
    '?',
    '*',
    '+',
    '{2}',
    '{1,2}',
    '{2,}',
    '??',
    '\\n',
    '-',
    ']',
    '{',
    '}',
    '\\_',
  ],
]
const anyPattern = fc
  .tuple(fc.constantFrom('', '(?i)'), fc.array(fc.constantFrom(...pieces), { maxLength: 8 }))
  .map(([flags, chosen]) => flags + chosen.join(''))
const anyText = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'A',
      'K',
      '\u212a',
      'ſ',
      's',
      'é',
      'É',
      '.',
      '0',
      ' ',
      '\n',
      '\v',
      '_',
      '-',
      '😀',
      '\u2028',
    ),
  )
  .map((characters) => characters.join(''))

test('the native engine finds what RE2 finds', () => {
  let native = 0
  fc.assert(
    fc.property(anyPattern, anyText, (source, text) => {
      let re2: RE2JS
      try {
        re2 = RE2JS.compile(source)
      } catch {
        // Not a pattern.
        return
      }
      const pattern = compilePattern(source)
      if (pattern.engine === 'native') native++
      expect({ source, text, found: pattern.found(text) }).toEqual({ source, text, found: re2.test(text) })
    }),
    { numRuns: 2000, includeErrorInReport: true },
  )
  expect(native).toBeGreaterThan(60)
}, 60_000)

test('what is left to the native engine takes few steps, whatever the text is', () => {
  fc.assert(
    fc.property(anyPattern, (source) => {
      const syntax = readPattern(source)
      const native = syntax === undefined ? undefined : nativePattern(syntax)
      // Nothing in it is repeated without bound.
      expect(native?.source ?? '').not.toMatch(/(?:[^\\]|^)[*+]|,\}/)
    }),
    { numRuns: 2000, includeErrorInReport: true },
  )
})
