import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { formatFeedRequest, parseFeedRequest } from '../../src/live/request.ts'

const read = (text: string) => parseFeedRequest(new URLSearchParams(text))

test('a request survives its way', () => {
  const begin = fc.oneof(
    ...['from', 'last', 'since'].map((key) => fc.nat().map((value) => ({ [key]: value }))),
    fc.constant({}),
  )
  const to = fc.oneof(fc.nat(), fc.constant('end' as const), fc.constant(undefined))
  fc.assert(
    fc.property(begin, to, (own, end) => {
      const request = { ...own, ...(end === undefined ? {} : { to: end }) }
      expect(read(formatFeedRequest(request))).toEqual(request)
    }),
  )
})

test.each([
  ['from=x', 'from: expected a number'],
  ['from=-1', 'from: expected a number'],
  ['last=end', 'last: expected a number'],
  ['form=1', '"form" is not known; there are from, last, since, to'],
  ['from=1&last=2', 'from, last and since exclude each other'],
])('%p is refused', (text, message) => {
  expect(read(text)).toBe(message)
})
