import { expect, test } from 'bun:test'
import { proxyFor } from '../../src/http/environment-proxy.ts'

const PROXY = 'http://proxy.example:3128'
const env = (exceptions: string) => ({ HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: exceptions })

test.each([
  ['ws://logs.example/in', '', PROXY],
  ['wss://logs.example/in', '', PROXY],
  ['ws://logs.example/in', 'logs.example', undefined],
  ['ws://logs.example/in', ' other.example , logs.example', undefined],
  ['ws://a.logs.example/in', 'logs.example', undefined],
  ['ws://a.logs.example/in', '.logs.example', undefined],
  ['ws://a.logs.example/in', '*.logs.example', undefined],
  ['ws://mylogs.example/in', 'logs.example', PROXY],
  ['ws://logs.example:81/in', 'logs.example:80', PROXY],
  ['ws://logs.example/in', 'logs.example:80', undefined],
  ['wss://logs.example/in', 'logs.example:443', undefined],
  ['ws://[::1]:7077/in', '::1', undefined],
  ['ws://[::1]:7077/in', '[::1]:7077', undefined],
  ['ws://127.0.0.1:7077/in', '127.0.0.1', undefined],
  ['ws://LOGS.example/in', 'Logs.Example', undefined],
  ['ws://logs.example/in', '*', undefined],
])('%p with NO_PROXY=%p goes through %p', (url, exceptions, expected) => {
  expect(proxyFor(url, env(exceptions))).toBe(expected)
})

test('each scheme has its own, and small letters go before', () => {
  const own = { http_proxy: 'http://a', HTTP_PROXY: 'http://b', HTTPS_PROXY: '' }
  expect(proxyFor('ws://logs.example', own)).toBe('http://a')
  expect(proxyFor('wss://logs.example', own)).toBeUndefined()
})

test('one that was given goes before the environment’s, and NO_PROXY before both', () => {
  const env = { HTTPS_PROXY: 'http://theirs:1', NO_PROXY: 'inside.example' }
  expect(proxyFor('https://far.example/', env, 'http://ours:1')).toBe('http://ours:1')
  expect(proxyFor('https://a.inside.example/', env, 'http://ours:1')).toBeUndefined()
})
