import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { optionSpecs, readOptions } from '../../src/config/options.ts'
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
