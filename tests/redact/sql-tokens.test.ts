import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { SqlTokens, Token } from '../../src/redact/sql-tokens.ts'
import { sql } from './sql.ts'

const NAMES = Object.fromEntries(Object.entries(Token).map(([name, kind]) => [kind, name]))

interface Found {
  readonly kind: string
  readonly text: string
  readonly complete: boolean
}

/** The tokens of bytes, as texts of one character a byte. */
function tokensOf(bytes: Uint8Array, start = 0, end = bytes.length): Found[] {
  const tokens = new SqlTokens()
  tokens.reset(bytes, start, end)
  const found: Found[] = []
  while (tokens.next()) {
    const text = Buffer.from(bytes.subarray(tokens.start, tokens.end)).toString('latin1')
    found.push({ kind: NAMES[tokens.kind]!, text, complete: tokens.complete })
  }
  return found
}

/** The tokens of a text but for blanks: `Word:select`. */
const shown = (text: string): string[] =>
  tokensOf(Buffer.from(text))
    .filter(({ kind }) => kind !== 'Space')
    .map(({ kind, text, complete }) => `${kind}:${Buffer.from(text, 'latin1')}${complete ? '' : ' …'}`)

describe('tokens', () => {
  const cases: [string, string[]][] = [
    ["'a''b' x", ["Text:'a''b'", 'Word:x']],
    ["E'a\\'b' x", ["Text:E'a\\'b'", 'Word:x']],
    ["e'\\\\' x", ["Text:e'\\\\'", 'Word:x']],
    ['U&\'\\0061\' U&"b"', ["Text:U&'\\0061'", 'QuotedName:U&"b"']],
    ["b'01' X'ff' n'x'", ["Text:b'01'", "Text:X'ff'", "Text:n'x'"]],
    ['$$a$b$$ $t$ $$ $t$', ['Text:$$a$b$$', 'Text:$t$ $$ $t$']],
    ['$1 $12x a$1 t1', ['Parameter:$1', 'Parameter:$12', 'Word:x', 'Word:a$1', 'Word:t1']],
    [
      '1 1.5 .5 1e10 1.5E-3 0xff 1_000',
      ['1', '1.5', '.5', '1e10', '1.5E-3', '0xff', '1_000'].map((one) => `Number:${one}`),
    ],
    ['1e-x 5-3', ['Number:1e', 'Symbol:-', 'Word:x', 'Number:5', 'Symbol:-', 'Number:3']],
    ['"a""b" "c', ['QuotedName:"a""b"', 'QuotedName:"c …']],
    ["/* a /* b */ ' */ -- c '\nd", ["Comment:/* a /* b */ ' */", "Comment:-- c '", 'Word:d']],
    ["'open", ["Text:'open …"]],
    ['/* open', ['Comment:/* open …']],
    ['$t$ open $t', ['Text:$t$ open $t …']],
    ['a $cut', ['Word:a', 'Text:$cut …']],
    // With standard_conforming_strings off the string goes on.
    ["'a\\' , secret'", ["Text:'a\\' , secret' …"]],
    ['größe + 1', ['Word:größe', 'Symbol:+', 'Number:1']],
    ['- / $ .', ['Symbol:-', 'Symbol:/', 'Symbol:$', 'Symbol:.']],
  ]
  for (const [text, expected] of cases) test(text, () => expect(shown(text)).toEqual(expected))

  test('are the text again, whatever it is', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      sql.map((text) => Uint8Array.from(Buffer.from(text))),
      fc
        .array(
          fc.constantFrom("'", '"', '$', '$a$', '\\', '/*', '*/', '--', '\n', '1', 'e', 'U&', '.', '+', 'x'),
        )
        .map((parts) => Uint8Array.from(Buffer.from(parts.join('')))),
    )
    fc.assert(
      fc.property(bytes, fc.nat(8), fc.nat(8), (given, before, behind) => {
        const start = Math.min(before, given.length)
        const end = Math.max(start, given.length - behind)
        const joined = tokensOf(given, start, end)
          .map(({ text }) => text)
          .join('')
        expect(joined).toBe(Buffer.from(given.subarray(start, end)).toString('latin1'))
      }),
      { numRuns: 2000 },
    )
  })
})
