import { describe, expect, test } from 'bun:test'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { exampleConfig } from '../../scripts/generate/example-config.ts'
import { committed, GENERATED, render } from '../../scripts/generate.ts'
import { readConfigFile } from '../../src/config/config-file.ts'
import { configSchema } from '../../src/config/json-schema.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'
import { configFolder } from './folder.ts'

const folder = configFolder()
const schema = configSchema(EXPORTERS)
// Read back from the JSON Schema alone: not the schema that it was made of.
const judge = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)))

/** Whether the program's own reader takes it. */
function isRead(toml: string): boolean {
  const problems: string[] = []
  readConfigFile(folder.write('x.toml', toml), EXPORTERS, problems)
  return problems.length === 0
}

describe('the JSON Schema', () => {
  test.each([
    ['', true],
    ['socket_mode = "0660"', true],
    ['queue_size = 4096\nmax_connections = 7', true],
    ['queue_size = "1GB"\nmax_connections = "7"', true],
    ['to = ["a", "stdout"]', true],
    ['[exporters.a]\nurl = "https://h/"\nbatch_records = 5\nheader = ["A: b"]\nlinger = "1s"', true],
    ['[exporters.a]\ntype = "stdout"\nformat = "pretty"', true],
    ['[exporters.a]\nurl = "stdout:"', true],
    ['socket_mode = 660', false],
    ['queue_size = 1.5', false],
    ['to = "a"', false],
    ['levle = "ERROR"', false],
    ['exporters = 1', false],
    ['[exporters.A]\ntype = "stdout"', false],
    ['[exporters.a]', false],
    ['[exporters.a]\ntype = "kafkaesque"', false],
    ['[exporters.a]\ntype = "http"\nurl = "file:///x"', false],
    ['[exporters.a]\nurl = "https://h/"\nformat = "json"', false],
    ['[exporters.a]\ntype = "stdout"\nbatch_records = 5', false],
  ])('and the program agree on %p', (toml, valid) => {
    expect(judge.safeParse(parse(toml)).success).toBe(valid)
    expect(isRead(toml)).toBe(valid)
  })

  test.each([
    ['max_connections = 0'],
    ['level = "LOUD"'],
    ['sync = "maybe"'],
    ['hello_timeout = "10"'],
    ['metrics = "here"'],
  ])('refuses the value of %p', (toml) => {
    expect(judge.safeParse(parse(toml)).success).toBe(false)
  })

  test('describes every key, and has words of JSON Schema only', () => {
    const seen = new Set<string>()
    const walk = (node: unknown, inProperties: boolean) => {
      if (typeof node !== 'object' || node === null || Array.isArray(node)) {
        if (Array.isArray(node)) for (const one of node) walk(one, false)
        return
      }
      for (const [key, one] of Object.entries(node)) {
        if (inProperties)
          expect([key, (one as { description?: string }).description]).toEqual([
            key,
            expect.stringMatching(/.{10,}/),
          ])
        else seen.add(key)
        walk(one, key === 'properties' && !inProperties)
      }
    }
    walk(schema, false)
    const words =
      '$schema $id title description type properties items enum const default examples pattern minimum maximum minLength additionalProperties propertyNames required anyOf'
    expect([...seen].filter((word) => !words.split(' ').includes(word))).toEqual([])
  })
})

describe('docs/pgturret.toml', () => {
  const example = exampleConfig()
  const inForce = example.replace(/^#(?=[^ \n])/gm, '')

  test('says nothing as it is', () => {
    expect(parse(example)).toEqual({})
  })

  test('is what the schema takes, with every option in force', () => {
    const config = parse(inForce)
    expect(judge.safeParse(config).error).toBeUndefined()
    expect(isRead(inForce)).toBe(true)
    const properties = Object.keys(schema['properties'] as object)
    expect(Object.keys(config).sort()).toEqual(properties.sort())
    expect(Object.keys(config['exporters'] as object)).toEqual(EXPORTERS.map(({ name }) => `my-${name}`))
  })
})

test.each([['docs/reference/pgturret.schema.json'], ['docs/pgturret.toml']])(
  '%s is what the source makes',
  (path) => {
    const file = GENERATED.find((one) => one.path === path)!
    expect(committed(file)).toBe(render(file))
  },
)
