import { expect, test } from 'bun:test'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { optionSpecs } from '../../src/config/options.ts'
import { fileLine, layOut } from '../../src/config/toml-lines.ts'
import { header, integer, secret, size, text } from '../../src/config/values.ts'

const [name, count, bytes, token, headers] = optionSpecs(
  z.object({
    name: text('X'),
    count: integer(1, 9),
    bytes: size(),
    token: secret(),
    headers: z.array(header()),
  }),
)

test('values as a file holds them', () => {
  const texts = ['a "b" \\ \u0007 \u007f é', '', "'"]
  for (const one of texts) expect(parse(fileLine(name!, one).text)).toEqual({ name: one })
  expect(fileLine(count!, '7').text).toBe('count = 7')
  expect(fileLine(bytes!, '64MB').text).toBe('bytes = "64MB"')
})

test('of a secret only what may be shown', () => {
  expect(fileLine(token!, 'hunter2').text).toBe('token = "[redacted]"')
  expect(parse(fileLine(headers!, ['X-A: hunter2: 2', 'hunter2']).text)).toEqual({
    headers: ['X-A: [redacted]', '[redacted]'],
  })
})

test('comments stand one under the other', () => {
  const lines = [fileLine(count!, '7', 'here'), fileLine(bytes!, '64MB', 'there'), fileLine(name!, 'x')]
  expect(layOut(lines)).toBe('count = 7       # here\nbytes = "64MB"  # there\nname = "x"\n')
})
