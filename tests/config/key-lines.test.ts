import { describe, expect, test } from 'bun:test'
import { keyLines } from '../../src/config/key-lines.ts'

const FILE = `# a comment with a = 1
level = "WARNING"   # b = 2
"quoted" = 1
'literal key' = 1
exporters.dotted.url = "x"

[exporters.a]
url = "x"
header = [
  "X: y",
  "Z: [exporters.no]",
]
[ exporters . "b" ]  # spaces
url = "y"
text = """
url = 1
[exporters.inside]
"""
after = 1
one = """in one line""" # and ''' in a comment
last = '''
also = 2'''
end = "'''"
really = 1
`

describe('the line of a key', () => {
  const lineOf = keyLines(FILE)

  test.each([
    [['level'], 2],
    [['quoted'], 3],
    [['literal key'], 4],
    [['exporters'], 5],
    [['exporters', 'dotted'], 5],
    [['exporters', 'dotted', 'url'], 5],
    [['exporters', 'a'], 7],
    [['exporters', 'a', 'url'], 8],
    [['exporters', 'a', 'header'], 9],
    [['exporters', 'b'], 13],
    [['exporters', 'b', 'url'], 14],
    [['exporters', 'b', 'after'], 19],
    [['exporters', 'b', 'one'], 20],
    [['exporters', 'b', 'last'], 21],
    [['exporters', 'b', 'end'], 23],
    [['exporters', 'b', 'really'], 24],
  ])('%p', (path, line) => {
    expect(lineOf(path)).toBe(line)
  })

  test('of one that was not seen is the line of what holds it', () => {
    expect(lineOf(['exporters', 'a', 'url', 'part'])).toBe(8)
    expect(lineOf(['exporters', 'b', 'inner'])).toBe(13)
  })

  test('is not known of what stands nowhere, and of what a text only looks like', () => {
    expect(lineOf(['a'])).toBeUndefined()
    expect(lineOf(['exporters', 'b', 'also'])).toBe(13)
    expect(lineOf([])).toBeUndefined()
  })

  test('is left out where two could be meant', () => {
    expect(keyLines('a = 1\na = 2\n')(['a'])).toBeUndefined()
  })

  test('does not depend on how lines end', () => {
    expect(keyLines('a = 1\r\n[t]\r\nb = 2\r\n')(['t', 'b'])).toBe(3)
  })
})
