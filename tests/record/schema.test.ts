import { describe, expect, test } from 'bun:test'
import { recordSchema } from '../../scripts/generate/record-schema.ts'
import { committed, GENERATED, render } from '../../scripts/generate.ts'
import { eventSchema } from '../../src/record/schema.ts'
import { jsonOf, recordOf } from './records.ts'

const event = (): Record<string, unknown> =>
  JSON.parse(jsonOf(recordOf({ ErrMessage: 'x', SQLState: '23505' })))

describe('eventSchema', () => {
  test('takes what the encoder writes', () => {
    expect(eventSchema.safeParse(event()).success).toBe(true)
  })

  test('refuses a key that it does not know', () => {
    expect(eventSchema.safeParse({ ...event(), level: 1 }).success).toBe(false)
  })

  test.each([
    ['pid', '1'],
    ['pid', 1.5],
    ['line_num', 1.5],
    ['txid', '7'],
    ['error_severity', 'error'],
    ['remote_port', 65536],
    ['cursor_position', 0],
    ['duration_ms', -1],
    ['truncated', false],
    ['trace_id', 'AF7651916CD43DD8448EB211C80319C0'],
    ['user', null],
  ])('refuses %s = %p', (key, value) => {
    expect(eventSchema.safeParse({ ...event(), [key]: value }).success).toBe(false)
  })

  test('takes 64-bit integers that a double rounds', () => {
    for (const digits of ['9223372036854775807', '-9223372036854775808', '9007199254740993']) {
      expect(eventSchema.safeParse({ ...event(), query_id: JSON.parse(digits) }).success).toBe(true)
    }
  })
})

describe('docs/reference/record.schema.json', () => {
  const file = GENERATED.find(({ path }) => path === 'docs/reference/record.schema.json')!

  test('is what the source makes', () => {
    expect(committed(file)).toBe(render(file))
  })

  const schema = JSON.parse(recordSchema())

  test('says what it is', () => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(schema.$id).toBe('urn:pgturret:record:1')
    expect(schema.version).toBe(1)
    expect(schema.additionalProperties).toBe(false)
  })

  test('describes every key', () => {
    for (const [key, property] of Object.entries<{ description?: string }>(schema.properties)) {
      expect([key, property.description]).toEqual([key, expect.stringMatching(/^.{15,}\.$/)])
    }
  })

  test('calls 64-bit integers so, and no limit stands there that a double rounds', () => {
    for (const key of ['line_num', 'txid', 'query_id', 'seq', 'original_bytes']) {
      expect(schema.properties[key]).toMatchObject({ type: 'integer', format: 'int64' })
    }
    expect(recordSchema()).not.toMatch(/9007199254740991|9223372036854/)
  })
})

test('no module of the running program imports the schema', async () => {
  const offenders: string[] = []
  for await (const path of new Bun.Glob('src/**/*.ts').scan('.')) {
    const text = await Bun.file(path).text()
    if (/from '[^']*(record|\.)\/schema\.ts'/.test(text) && path.includes('src/record/')) offenders.push(path)
    else if (/from '[^']*record\/schema\.ts'/.test(text)) offenders.push(path)
  }
  expect(offenders).toEqual([])
})
