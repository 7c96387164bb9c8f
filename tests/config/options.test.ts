import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { optionSpecs, readOptions, resolveOptions } from '../../src/config/options.ts'
import { choice, integer, size, text } from '../../src/config/values.ts'

const schema = z.object({
  url: z.string().meta({ fromUrl: true }),
  queueSize: size().prefault('64MB').meta({ description: 'how much' }),
  mode: choice(['a', 'b']).optional().meta({ description: 'which' }),
  count: integer(1, 9).prefault('3').meta({ description: 'how many' }),
  to: z.array(text('DEST')).prefault([]).meta({ description: 'where' }),
  quiet: z.boolean().prefault(false).meta({ description: 'say nothing' }),
})

const read = (flags: Record<string, unknown>, env: Record<string, string> = {}, prefix = '') => {
  const problems: string[] = []
  const values = readOptions(schema, { flags, env }, problems, prefix, { url: 'u' })
  return { values, problems }
}

describe('one declaration', () => {
  test('gives flag, environment name, help and default', () => {
    const specs = optionSpecs(schema, 'http')
    expect(specs.map(({ flag }) => flag)).toEqual([
      '--http-queue-size',
      '--http-mode',
      '--http-count',
      '--http-to',
      '--http-quiet',
    ])
    expect(specs[0]).toMatchObject({
      fileKey: 'queue_size',
      attribute: 'httpQueueSize',
      env: 'PGTURRET_HTTP_QUEUE_SIZE',
      value: 'SIZE',
      default: '64MB',
      description: 'how much',
      repeatable: false,
    })
    expect(specs[1]).toMatchObject({ value: 'a|b', default: undefined })
    expect(specs[3]).toMatchObject({ value: 'DEST', repeatable: true, default: undefined })
    expect(specs[4]).toMatchObject({ value: undefined })
  })
})

describe('precedence', () => {
  test('default', () => {
    expect(read({}).values).toEqual({ url: 'u', queueSize: 64 * 1024 ** 2, count: 3, to: [], quiet: false })
  })

  test('environment over default, flag over environment', () => {
    const env = { PGTURRET_COUNT: '5', PGTURRET_TO: 'x, y', PGTURRET_QUIET: 'on', PGTURRET_MODE: 'b' }
    expect(read({}, env).values).toMatchObject({ count: 5, to: ['x', 'y'], quiet: true, mode: 'b' })
    expect(read({ count: '7', to: ['z'] }, env).values).toMatchObject({ count: 7, to: ['z'], quiet: true })
  })

  test('environment over file, file over default', () => {
    const values = new Map([
      ['count', { raw: '2', name: 'f:1: count', place: 'f:1' }],
      ['mode', { raw: 'a', name: 'f:2: mode', place: 'f:2' }],
      ['to', { raw: ['w'], name: 'f:3: to', place: 'f:3' }],
    ])
    const table = { name: 'f', values }
    const problems: string[] = []
    const given = { flags: { to: ['z'] }, env: { PGTURRET_COUNT: '5' }, table }
    expect(readOptions(schema, given, problems, '', { url: 'u' })).toMatchObject({
      count: 5,
      mode: 'a',
      to: ['z'],
    })
    const origins = resolveOptions(schema, given).map(({ spec, origin }) => [spec.key, origin])
    expect(origins).toEqual([
      ['queueSize', undefined],
      ['mode', 'f:2'],
      ['count', 'PGTURRET_COUNT'],
      ['to', '--to'],
      ['quiet', undefined],
    ])
  })

  test('what is said to one exporter over what is said to all of its type', () => {
    const env = { PGTURRET_HTTP_COUNT: '5', PGTURRET_HTTP_MODE: 'a', PGTURRET_EXPORTERS_MY_LOGS_COUNT: '6' }
    const given = { flags: {}, env, envPrefix: 'exporters-my-logs' }
    expect(readOptions(schema, given, [], 'http', { url: 'u' })).toMatchObject({ count: 6, mode: 'a' })
    expect(
      readOptions(schema, { ...given, flags: { httpCount: '7' } }, [], 'http', { url: 'u' })?.count,
    ).toBe(7)
  })

  test.each([
    ['1', true],
    ['yes', true],
    ['0', false],
    ['off', false],
    ['', false],
  ])('a switch in the environment: %p', (value, expected) => {
    expect(read({}, { PGTURRET_QUIET: value }).values?.quiet).toBe(expected)
  })
})

test('what may be given several times is not given by an empty variable', () => {
  expect(read({}, { PGTURRET_TO: '' }).values?.to).toEqual([])
  expect(read({}, { PGTURRET_TO: ' x ,, y,' }).values?.to).toEqual(['x', 'y'])
})

describe('problems', () => {
  test('what is missing is required, by the name under which it could be given', () => {
    const needy = z.object({ topic: text('NAME') })
    const problems: string[] = []
    readOptions(needy, { flags: {}, env: {} }, problems, 'kafka')
    readOptions(
      needy,
      { flags: {}, env: {}, table: { name: 'f:1: exporters.k', values: new Map() } },
      problems,
    )
    expect(problems).toEqual(['--kafka-topic: is required', 'f:1: exporters.k: topic: is required'])
  })

  test('come all at once, by the name under which the value was given', () => {
    const { values, problems } = read(
      { queueSize: 'big', httpX: 1 },
      { PGTURRET_COUNT: '99', PGTURRET_QUIET: 'maybe' },
    )
    expect(values).toBeUndefined()
    expect(problems).toHaveLength(3)
    expect(problems[0]).toContain('--queue-size: expected a size')
    expect(problems[1]).toContain('PGTURRET_COUNT: expected a whole number from 1 to 9')
    expect(problems[2]).toContain('PGTURRET_QUIET')
  })
})
