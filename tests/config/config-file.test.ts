import { describe, expect, test } from 'bun:test'
import { readConfigFile } from '../../src/config/config-file.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'
import { configFolder } from './folder.ts'

const NAMES = EXPORTERS.map(({ name }) => name).join(', ')
const SCHEMES = EXPORTERS.flatMap(({ schemes }) => schemes.map((scheme) => `${scheme}:`)).join(', ')

const folder = configFolder()

function read(toml: string) {
  const problems: string[] = []
  const path = folder.write('p.toml', toml)
  const file = readConfigFile(path, EXPORTERS, problems)
  return { file, problems: problems.map((problem) => problem.replace(path, 'p.toml')) }
}

test('what a file says, in its order', () => {
  const { file, problems } = read(`level = "ERROR"
[exporters.second]
url = "https://h/"
token = "t"
linger = "1s"
[exporters.first]
type = "stdout"
format = "pretty"
[exporters.constructor]
type = "file"
url = "file:///x"
`)
  expect(problems).toEqual([])
  expect(file.complete).toBe(true)
  expect(file.top.values.get('level')?.raw).toBe('ERROR')
  expect([...file.exporters].map(([name, { type, url }]) => [name, type, url])).toEqual([
    ['second', 'http', 'https://h/'],
    ['first', 'stdout', undefined],
    ['constructor', 'file', 'file:///x'],
  ])
  const second = file.exporters.get('second')!
  expect(second.where).toEndWith('p.toml:2: exporters.second')
  expect([...second.own.values.keys()]).toEqual(['token'])
  expect([...second.shared.values.keys()]).toEqual(['linger'])
})

test('an empty file says nothing', () => {
  expect(read('').problems).toEqual([])
})

describe('what is refused', () => {
  test.each([
    ['levle = "x"', 'p.toml:1: levle: unknown key; did you mean level?'],
    ['config = "x"', 'p.toml:1: config: unknown key'],
    ['socketMode = "0660"', 'p.toml:1: socketMode: unknown key; did you mean socket_mode?'],
    ['[http]\ntoken = "x"', 'p.toml:1: http: unknown key'],
    ['[exporter.a]\ntype = "stdout"', 'p.toml:1: exporter: unknown key; did you mean exporters?'],
    ['exporters = 1', 'p.toml:1: exporters: expected tables such as [exporters.name]'],
    ['[[exporters]]', 'p.toml:1: exporters: expected tables such as [exporters.name]'],
    ['[exporters]\na = "x"', 'p.toml:2: exporters.a: expected a table such as [exporters.name]'],
    ['[exporters.A]\ntype = "stdout"', 'p.toml:1: exporters.A: the name of an exporter is made of'],
    ['[exporters.__proto__]\ntype = "stdout"', 'p.toml:1: exporters.__proto__: the name of an exporter'],
    ['[exporters."a b"]\ntype = "stdout"', 'p.toml:1: exporters."a b": the name of an exporter'],
    ['[exporters.a]', 'p.toml:1: exporters.a: expected a type or a url'],
    ['[exporters.a]\ntype = 1', 'p.toml:2: exporters.a.type: expected a text, in quotes'],
    ['[exporters.a]\nurl = ["x"]', 'p.toml:2: exporters.a.url: expected a text, in quotes'],
    [
      '[exporters.a]\ntype = "htpp"',
      `p.toml:2: exporters.a.type: expected one of ${NAMES}; did you mean http?`,
    ],
    [
      '[exporters.a]\nurl = "ftp://h/"',
      `p.toml:2: exporters.a.url: expected a URL that begins with ${SCHEMES}`,
    ],
    [
      '[exporters.a]\ntype = "http"\nurl = "file:///x"',
      'p.toml:3: exporters.a.url: expected a URL that begins with http:, https:',
    ],
    [
      '[exporters.a]\nurl = "https://h/"\nbatchrecords = 1',
      'p.toml:3: exporters.a.batchrecords: unknown key; did you mean batch_records?',
    ],
    ['[exporters.a]\nurl = "https://h/"\nformat = "json"', 'p.toml:3: exporters.a.format: unknown key'],
    [
      '[exporters.a]\nurl = "file:///x"\npath = "/x"',
      'p.toml:3: exporters.a.path: unknown key; it is a part of url',
    ],
    ['exporters.a = { url = "https://h/", toke = "x" }', 'p.toml:1: exporters.a.toke: unknown key'],
  ])('%p', (toml, problem) => {
    const { problems } = read(toml)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toStartWith(problem)
  })

  test('is all said at once', () => {
    const { file, problems } = read(
      'a = 1\nb = 2\nlevel = 3\n[exporters.x]\nc = 4\n[exporters.y]\nurl = "stdout:"\nd = 5\n',
    )
    expect(problems).toHaveLength(5)
    expect([...file.exporters.keys()]).toEqual(['y'])
    expect(file.complete).toBe(false)
  })

  test('a syntax error is said alone', () => {
    const { file, problems } = read('levle = 1\nlevel = x\n')
    expect(problems).toHaveLength(1)
    expect(file).toMatchObject({ complete: false, top: { values: new Map() } })
  })
})
