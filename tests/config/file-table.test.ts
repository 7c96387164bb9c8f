import { describe, expect, test } from 'bun:test'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { fileTable, type TomlTable } from '../../src/config/file-table.ts'
import { keyLines } from '../../src/config/key-lines.ts'
import { readOptions } from '../../src/config/options.ts'
import { choice, fileMode, header, integer, size, text } from '../../src/config/values.ts'

const schema = z.object({
  url: z.string().meta({ fromUrl: true }),
  queueSize: size().prefault('64MB'),
  count: integer(1, 9).prefault('3'),
  mode: fileMode().optional(),
  sync: choice(['on', 'off']).optional(),
  name: text('NAME').optional(),
  header: z.array(header()).prefault([]),
  quiet: z.boolean().prefault(false),
  file: text('FILE').optional().meta({ notInFile: true }),
})

function read(toml: string) {
  const problems: string[] = []
  const root: TomlTable = parse(toml, { integersAsBigInt: true })
  const document = { path: 'f.toml', root, lineOf: keyLines(toml) }
  const table = fileTable(document, [], root, schema, problems)
  const given = { flags: {}, env: {}, table }
  return { table, problems, values: readOptions(schema, given, problems, '', { url: 'u' }) }
}

test('values of a file become what flags would have said', () => {
  const { problems, values } = read(
    'queue_size = 4096\ncount = "7"\nmode = "0600"\nsync = "off"\nheader = ["A: b", "C: d"]\nquiet = true\n',
  )
  expect(problems).toEqual([])
  expect(values).toMatchObject({ queueSize: 4096, count: 7, mode: 0o600, sync: 'off', quiet: true })
  expect(values?.header.map(({ name }) => name)).toEqual(['A', 'C'])
})

test('a value knows where it stands', () => {
  const { table } = read('\ncount = 5\n')
  expect(table.values.get('count')).toEqual({ raw: '5', name: 'f.toml:2: count', place: 'f.toml:2' })
})

test('what only a URL or a flag can say is not taken', () => {
  expect([...read('url = "x"\nfile = "y"\n').table.values.keys()]).toEqual([])
})

describe('a value of another kind is told what it must be', () => {
  test.each([
    ['queue_size = 1.5', 'queue_size: expected a size such as 512kB, 64MB or 1GB'],
    ['queue_size = true', 'queue_size: expected a size such as 512kB, 64MB or 1GB'],
    ['count = 2020-01-01', 'count: expected a whole number from 1 to 9'],
    ['mode = 660', 'mode: expected permission bits in octal such as 0660, in quotes'],
    ['mode = 0o660', 'mode: expected permission bits in octal such as 0660, in quotes'],
    ['sync = false', 'sync: expected one of on, off, in quotes'],
    ['name = 7', 'name: expected a text that is not empty, in quotes'],
    ['name = { a = 1 }', 'name: expected a text that is not empty, in quotes'],
    ['header = "A: b"', 'header: expected a list such as ["X-Scope: logs"]'],
    ['header = ["A: b", 1]', 'header: expected a list such as ["X-Scope: logs"]'],
    ['header = [["A: b"]]', 'header: expected a list such as ["X-Scope: logs"]'],
    ['quiet = "yes"', 'quiet: expected true or false'],
    // Of the right kind, but not what the option takes.
    ['count = 10', 'count: expected a whole number from 1 to 9, got "10"'],
    ['count = -1', 'count: expected a whole number from 1 to 9, got "-1"'],
    ['name = ""', 'name: expected a text that is not empty, got ""'],
  ])('%p', (toml, problem) => {
    expect(read(toml).problems).toEqual([`f.toml:1: ${problem}`])
  })
})
