import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  BlockedError,
  ConfigError,
  classify,
  InputError,
  PartialError,
  PermanentError,
  RetryableError,
  TooLargeError,
} from '../src/errors.ts'

describe('every error class says its own name and code', () => {
  const cause = new Error('cause')
  test.each([
    ['ConfigError', 'PGT_CONFIG', new ConfigError(['a', 'b'])],
    ['InputError', 'PGT_INPUT', new InputError('truncated', 'm', 7)],
    ['RetryableError', 'PGT_RETRYABLE', new RetryableError('m', { retryAfterMs: 5, cause })],
    ['PartialError', 'PGT_PARTIAL', new PartialError([1], [], { cause })],
    ['PermanentError', 'PGT_PERMANENT', new PermanentError('m', { status: 400, cause })],
    ['TooLargeError', 'PGT_TOO_LARGE', new TooLargeError('m')],
    ['BlockedError', 'PGT_BLOCKED', new BlockedError('m', { status: 401, cause })],
  ] as const)('%s', (name, code, error) => {
    expect(error.name).toBe(name)
    expect(error.code).toBe(code as typeof error.code)
    expect(error).toBeInstanceOf(Error)
    expect(Object.prototype.toString.call(error)).toBe('[object Error]')
  })

  test('what they carry', () => {
    expect(new ConfigError(['a', 'b']).problems).toEqual(['a', 'b'])
    expect(new InputError('truncated', 'm', 7)).toMatchObject({ reason: 'truncated', offset: 7 })
    expect(new RetryableError('m', { retryAfterMs: 5, cause })).toMatchObject({ retryAfterMs: 5, cause })
    expect(new RetryableError('m')).toMatchObject({ retryAfterMs: undefined, reconnect: false })
    expect(new RetryableError('m', { reconnect: true }).reconnect).toBe(true)
    expect(new BlockedError('m', { status: 401, cause })).toMatchObject({ status: 401, cause })
    const rejected = [{ index: 2, reason: 'no such field', status: 422 }]
    expect(new PartialError([0, 1], rejected, { retryAfterMs: 7 })).toMatchObject({
      retry: [0, 1],
      rejected,
      retryAfterMs: 7,
      message: 'accepted in part only: 2 records to be sent again, 1 refused: no such field',
    })
    expect(new PartialError([], rejected, { message: 'm' }).message).toBe('m')
  })
})

describe('classify', () => {
  const withCode = (error: Error, code: string): Error => Object.assign(error, { code })
  const abort = new DOMException('aborted', 'AbortError')
  const timeout = new DOMException('timed out', 'TimeoutError')

  test.each([
    [
      'a refused connection, which is a TypeError with a code',
      withCode(new TypeError('x'), 'ECONNREFUSED'),
      RetryableError,
    ],
    ['a name that is not found', withCode(new TypeError('x'), 'ENOTFOUND'), RetryableError],
    ['a full disk', withCode(new Error('x'), 'ENOSPC'), RetryableError],
    ['a timeout', timeout, RetryableError],
    ['an abort', abort, RetryableError],
    ['a closed folder', withCode(new Error('x'), 'EACCES'), BlockedError],
    ['a missing folder', withCode(new Error('x'), 'ENOENT'), BlockedError],
    ['a read-only file system', withCode(new Error('x'), 'EROFS'), BlockedError],
    ['a bug of the exporter', new TypeError('undefined is not a function'), PermanentError],
    ['another bug', new RangeError('x'), PermanentError],
    ['an unknown error', new Error('x'), RetryableError],
    ['a text', 'x', RetryableError],
    ['nothing', undefined, RetryableError],
  ])('%s', (_, thrown, verdict) => {
    expect(classify(thrown)).toBeInstanceOf(verdict)
  })

  test('passes its own classes through', () => {
    for (const error of [
      new RetryableError('m'),
      new PartialError([0], []),
      new PermanentError('m'),
      new TooLargeError('m'),
      new BlockedError('m'),
    ]) {
      expect(classify(error)).toBe(error)
    }
  })

  test('is total, and keeps the cause', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const verdict = classify(thrown)
        const known = [RetryableError, PartialError, PermanentError, TooLargeError, BlockedError]
        expect(known.some((one) => verdict instanceof one)).toBe(true)
        expect(verdict.cause).toBe(thrown)
      }),
    )
  })
})
