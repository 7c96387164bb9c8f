import { expect, test } from 'bun:test'
import { verdictOn } from '../../src/postgres/verdict.ts'

const serverError = (code: string, severity = 'ERROR') =>
  Object.assign(new Error('it said hunter2'), { code, severity })

const verdict = (thrown: unknown) => verdictOn(thrown, (text) => text.replaceAll('hunter2', '[redacted]'))

test.each([
  ...['08006', '08P01', '57P01', '57P02', '57P03', '25006'].map((code) => [code, 'RetryableError'] as const),
  ...['40001', '40P01', '53100', '53200', '53300', '55P03', '57014', '58030', 'XX000', '42P07'].map(
    (code) => [code, 'RetryableError'] as const,
  ),
  ...['28000', '28P01', '3D000', '3F000', '42501', '42P01', '42703', '42P10', '0A000'].map(
    (code) => [code, 'BlockedError'] as const,
  ),
  ...['22P02', '22P05', '22021', '22003', '23514', '23505', '23502', '21000', 'P0001'].map(
    (code) => [code, 'PermanentError'] as const,
  ),
  ['54000', 'TooLargeError'],
] as const)('%s is a %s', (code, name) => {
  const error = verdict(serverError(code))
  expect(error.name).toBe(name)
  expect(error.message).toBe(`it said [redacted] (${code})`)
})

test('a connection that has ended is made anew, another goes on', () => {
  const reconnects = (thrown: unknown) => (verdict(thrown) as { reconnect?: boolean }).reconnect
  expect(reconnects(serverError('57P01', 'FATAL'))).toBe(true)
  expect(reconnects(serverError('53300', 'FATAL'))).toBe(true)
  expect(reconnects(serverError('25006'))).toBe(true)
  expect(reconnects(serverError('40001'))).toBe(false)
  expect(reconnects(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))).toBe(true)
  expect(reconnects(new Error('Connection terminated unexpectedly'))).toBe(true)
  // Five letters, but no server has said them.
  expect(reconnects(Object.assign(new Error('broken'), { code: 'EPIPE' }))).toBe(true)
})
